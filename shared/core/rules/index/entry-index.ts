import type { RuleEntry } from '#shared/contracts/rules/rule-entry.ts';
import { type OpenValue, type SealedPlace, withSealedValue } from './sealed-value.ts';

/** Holds what an inventory entry says of one lookup key. */
export interface IndexedItem {
  variables: Readonly<Record<string, string>>;
  traceparent: string | undefined;
}

/** One entry as it came; its items share all that is the same for them. */
interface IndexedEntry {
  scope: string;
  traceparent: string | undefined;
  lookupKeys: readonly string[];
  leftOut: string | undefined;
  /** Stands for each item without variables: most have none, and there are many. */
  plain: OwnedItem | undefined;
}
interface OwnedItem {
  entry: IndexedEntry;
  variables: Readonly<Record<string, string>>;
}

/** The entries of one manager by lookup key. */
export interface EntryIndex {
  /** Puts an entry in place of the one of the same record; touches only items that differ. */
  put(
    record: string,
    entry: RuleEntry,
    place: { owner: string; scope: string; traceparent: string | undefined },
  ): void;
  remove(record: string): void;
  item(scope: string, lookupKey: string): IndexedItem | undefined;
  lookupKeys(scope: string): Iterable<string>;
  /** Whether an entry of this scope left the lookup key out. */
  leavesOut(scope: string, lookupKey: string): boolean;
  /** How many items were set or taken out so far: what all changes have cost. */
  changedItems(): number;
  /** Copies the index, which must not change meanwhile; yields after each entry how many items it has. Changes to one leave the other alone. */
  copy(): Generator<number, EntryIndex>;
}

const none: Readonly<Record<string, string>> = Object.freeze({});

/** @param open how a sealed value is opened, each time that a template reads it */
export const createEntryIndex = (open: OpenValue): EntryIndex => new ScopedEntries(open);

class ScopedEntries implements EntryIndex {
  readonly #open: OpenValue;
  /** Scope -> lookup key -> item. */
  readonly #items = new Map<string, Map<string, OwnedItem>>();
  readonly #leftOut = new LeftOutPrefixes();
  readonly #entries = new Map<string, IndexedEntry>();
  #changed = 0;

  constructor(open: OpenValue) {
    this.#open = open;
  }

  put(
    record: string,
    next: RuleEntry,
    { owner, scope, traceparent }: { owner: string; scope: string; traceparent: string | undefined },
  ): void {
    if (this.#entries.get(record)?.scope !== scope) this.remove(record);
    const entry = this.#entries.get(record) ?? newEntry(scope);
    this.#entries.set(record, entry);
    this.#takeOut(entry, (lookupKey) => !Object.hasOwn(next.items, lookupKey));
    this.#leftOut.count(entry, -1);
    Object.assign(entry, { traceparent, leftOut: next.leftOut, lookupKeys: Object.keys(next.items) });
    this.#leftOut.count(entry, 1);
    const scoped = this.#items.get(scope) ?? new Map<string, OwnedItem>();
    for (const lookupKey of entry.lookupKeys) {
      const before = scoped.get(lookupKey);
      const item = this.#itemOf(entry, next, { owner, secret: lookupKey }, before);
      if (item === before) continue;
      scoped.set(lookupKey, item);
      this.#changed += 1;
    }
    if (scoped.size > 0) this.#items.set(scope, scoped);
  }

  remove(record: string): void {
    const entry = this.#entries.get(record);
    if (entry === undefined) return;
    this.#entries.delete(record);
    this.#leftOut.count(entry, -1);
    this.#takeOut(entry, () => true);
  }

  item(scope: string, lookupKey: string): IndexedItem | undefined {
    const found = this.#items.get(scope)?.get(lookupKey);
    return found && { variables: found.variables, traceparent: found.entry.traceparent };
  }

  lookupKeys(scope: string): Iterable<string> {
    return this.#items.get(scope)?.keys() ?? [];
  }

  leavesOut(scope: string, lookupKey: string): boolean {
    return this.#leftOut.has(scope, lookupKey.slice(0, lookupKey.indexOf('/') + 1));
  }

  changedItems(): number {
    return this.#changed;
  }

  *copy(): Generator<number, EntryIndex> {
    const copy = new ScopedEntries(this.#open);
    copy.#changed = this.#changed;
    for (const [record, entry] of this.#entries) {
      copy.#adopt(record, entry, this.#items.get(entry.scope));
      yield entry.lookupKeys.length;
    }
    return copy;
  }

  /** Takes over an entry of another index, with those of its items that no other entry has in its place. */
  #adopt(record: string, held: IndexedEntry, items: ReadonlyMap<string, OwnedItem> | undefined): void {
    const entry: IndexedEntry = { ...held, plain: undefined };
    this.#entries.set(record, entry);
    this.#leftOut.count(entry, 1);
    const scoped = this.#items.get(entry.scope) ?? new Map<string, OwnedItem>();
    for (const lookupKey of entry.lookupKeys) {
      const item = items?.get(lookupKey);
      if (item?.entry !== held) continue;
      scoped.set(lookupKey, item.variables === none ? plainOf(entry) : { entry, variables: item.variables });
    }
    if (scoped.size > 0) this.#items.set(entry.scope, scoped);
  }

  #takeOut(entry: IndexedEntry, isGone: (lookupKey: string) => boolean): void {
    const scoped = this.#items.get(entry.scope);
    for (const lookupKey of entry.lookupKeys) {
      if (!isGone(lookupKey) || scoped?.get(lookupKey)?.entry !== entry) continue;
      scoped.delete(lookupKey);
      this.#changed += 1;
    }
    if (scoped?.size === 0) this.#items.delete(entry.scope);
  }

  /** Makes what stands for a lookup key of an entry: the item before, if it is the same. */
  #itemOf(
    entry: IndexedEntry,
    { items, sealed }: RuleEntry,
    place: SealedPlace,
    before: OwnedItem | undefined,
  ): OwnedItem {
    const variables = items[place.secret] ?? none;
    const value =
      sealed !== undefined && Object.hasOwn(sealed, place.secret) ? sealed[place.secret] : undefined;
    if (value !== undefined) {
      const open = this.#open;
      return { entry, variables: withSealedValue(variables, place, () => open(value, place)) };
    }
    if (before?.entry === entry && isSame(before.variables, variables)) return before;
    return isSame(none, variables) ? plainOf(entry) : { entry, variables };
  }
}

/** Counts, for each scope and beginning of lookup keys, the entries that leave such keys out. */
class LeftOutPrefixes {
  readonly #counts = new Map<string, Map<string, number>>();

  count({ scope, leftOut: prefix }: IndexedEntry, more: 1 | -1): void {
    if (prefix === undefined) return;
    const prefixes = this.#counts.get(scope) ?? new Map<string, number>();
    const count = (prefixes.get(prefix) ?? 0) + more;
    if (count > 0) prefixes.set(prefix, count);
    else prefixes.delete(prefix);
    if (prefixes.size > 0) this.#counts.set(scope, prefixes);
    else this.#counts.delete(scope);
  }

  has(scope: string, prefix: string): boolean {
    return this.#counts.get(scope)?.has(prefix) ?? false;
  }
}

const newEntry = (scope: string): IndexedEntry => ({
  scope,
  traceparent: undefined,
  lookupKeys: [],
  leftOut: undefined,
  plain: undefined,
});

/** Gives the one object that stands for every item of an entry without variables. */
function plainOf(entry: IndexedEntry): OwnedItem {
  entry.plain ??= { entry, variables: none };
  return entry.plain;
}

/** Compares what is held with what came, without opening a sealed value: that is no enumerable property. */
function isSame(held: OwnedItem['variables'], came: OwnedItem['variables']): boolean {
  const names = Object.keys(came);
  return (
    Object.getOwnPropertyNames(held).length === names.length &&
    names.every((name) => Object.prototype.propertyIsEnumerable.call(held, name) && held[name] === came[name])
  );
}
