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
  plain: OwnedItem;
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
}

const none: Readonly<Record<string, string>> = Object.freeze({});

/** @param open how a sealed value is opened, each time that a template reads it */
export function createEntryIndex(open: OpenValue): EntryIndex {
  /** Scope -> lookup key -> item. */
  const items = new Map<string, Map<string, OwnedItem>>();
  /** Scope -> beginnings of lookup keys that are left out -> how many entries say so. */
  const leftOut = new Map<string, Map<string, number>>();
  const entries = new Map<string, IndexedEntry>();
  let changed = 0;

  const noteLeftOut = ({ scope, leftOut: prefix }: IndexedEntry, more: 1 | -1): void => {
    if (prefix === undefined) return;
    const prefixes = leftOut.get(scope) ?? new Map<string, number>();
    const count = (prefixes.get(prefix) ?? 0) + more;
    if (count > 0) prefixes.set(prefix, count);
    else prefixes.delete(prefix);
    if (prefixes.size > 0) leftOut.set(scope, prefixes);
    else leftOut.delete(scope);
  };
  const takeOut = (entry: IndexedEntry, isGone: (lookupKey: string) => boolean): void => {
    const scoped = items.get(entry.scope);
    for (const lookupKey of entry.lookupKeys) {
      if (!isGone(lookupKey) || scoped?.get(lookupKey)?.entry !== entry) continue;
      scoped.delete(lookupKey);
      changed += 1;
    }
    if (scoped?.size === 0) items.delete(entry.scope);
  };
  const remove = (record: string): void => {
    const entry = entries.get(record);
    if (entry === undefined) return;
    entries.delete(record);
    noteLeftOut(entry, -1);
    takeOut(entry, () => true);
  };

  /** What stands for a lookup key of an entry: what is held, if it is the same. */
  const itemOf = (
    entry: IndexedEntry,
    { items: came, sealed }: RuleEntry,
    place: SealedPlace,
    before: OwnedItem | undefined,
  ): OwnedItem => {
    const variables = came[place.secret] ?? none;
    const value =
      sealed !== undefined && Object.hasOwn(sealed, place.secret) ? sealed[place.secret] : undefined;
    if (value !== undefined)
      return { entry, variables: withSealedValue(variables, place, () => open(value, place)) };
    if (before?.entry === entry && isSame(before.variables, variables)) return before;
    return isSame(none, variables) ? entry.plain : { entry, variables };
  };

  return {
    put(record, next, { owner, scope, traceparent }) {
      if (entries.get(record)?.scope !== scope) remove(record);
      const entry = entries.get(record) ?? newEntry(scope);
      entries.set(record, entry);
      takeOut(entry, (lookupKey) => !Object.hasOwn(next.items, lookupKey));
      noteLeftOut(entry, -1);
      Object.assign(entry, { traceparent, leftOut: next.leftOut, lookupKeys: Object.keys(next.items) });
      noteLeftOut(entry, 1);
      const scoped = items.get(scope) ?? new Map<string, OwnedItem>();
      for (const lookupKey of entry.lookupKeys) {
        const before = scoped.get(lookupKey);
        const item = itemOf(entry, next, { owner, secret: lookupKey }, before);
        if (item === before) continue;
        scoped.set(lookupKey, item);
        changed += 1;
      }
      if (scoped.size > 0) items.set(scope, scoped);
    },
    remove,
    item(scope, lookupKey) {
      const found = items.get(scope)?.get(lookupKey);
      return found && { variables: found.variables, traceparent: found.entry.traceparent };
    },
    lookupKeys: (scope) => items.get(scope)?.keys() ?? [],
    leavesOut: (scope, lookupKey) =>
      leftOut.get(scope)?.has(lookupKey.slice(0, lookupKey.indexOf('/') + 1)) ?? false,
    changedItems: () => changed,
  };
}

function newEntry(scope: string): IndexedEntry {
  const plain: OwnedItem = {
    get entry() {
      return entry;
    },
    variables: none,
  };
  const entry: IndexedEntry = { scope, traceparent: undefined, lookupKeys: [], leftOut: undefined, plain };
  return entry;
}

/** Compares what is held with what came, without opening a sealed value: that is no enumerable property. */
function isSame(held: OwnedItem['variables'], came: OwnedItem['variables']): boolean {
  const names = Object.keys(came);
  return (
    Object.getOwnPropertyNames(held).length === names.length &&
    names.every((name) => Object.prototype.propertyIsEnumerable.call(held, name) && held[name] === came[name])
  );
}
