import type { RuleEntry } from '#shared/contracts/rules/rule-entry.ts';
import { type ItemContent, type ItemVariables, itemContent, variablesOf } from './item-content.ts';
import type { OpenValue } from './sealed-value.ts';

/** Holds what an inventory entry says of one lookup key. */
export interface IndexedItem {
  variables: ItemVariables;
  traceparent: string | undefined;
}

const nothing: ReadonlySet<string> = new Set();

/** One entry as it came. It is each of its items that has nothing else: most are such, and there are many. */
class IndexedEntry implements OwnedItem {
  readonly scope: string;
  traceparent: string | undefined;
  lookupKeys: readonly string[] = [];
  leftOut: string | undefined;

  constructor(scope: string) {
    this.scope = scope;
  }

  get entry(): IndexedEntry {
    return this;
  }

  get text(): '' {
    return '';
  }

  get sealed(): undefined {
    return undefined;
  }
}

/** An item and the entry that it is of. */
interface OwnedItem extends ItemContent {
  readonly entry: IndexedEntry;
}

/** The items of one scope, and its name, which all its entries share: a key taken apart gives each one of its own. */
interface Scope {
  readonly name: string;
  readonly items: Map<string, OwnedItem>;
}

/** What an entry says: its lookup keys, and what more there is of some. */
interface EntryContent extends Partial<Pick<RuleEntry, 'items' | 'sealed' | 'leftOut'>> {
  lookupKeys: readonly string[];
}

/** Whose entry it is, where it holds, and the trace that brought it. */
export interface EntryPlace {
  owner: string;
  scope: string;
  traceparent: string | undefined;
}

/** The entries of one manager by lookup key. */
export interface EntryIndex {
  /** Puts an entry in place of the one of the same record; touches only items that differ. */
  put(record: string, content: EntryContent, place: EntryPlace): void;
  remove(record: string): void;
  item(scope: string, lookupKey: string): IndexedItem | undefined;
  lookupKeys(scope: string): Iterable<string>;
  /** Whether an entry of this scope left the lookup key out. */
  leavesOut(scope: string, lookupKey: string): boolean;
  /** How many items the entry of a record has. */
  itemsOf(record: string): number;
  /** How many items were set or taken out so far: what all changes have cost. */
  changedItems(): number;
  /** Copies the index, which must not change meanwhile; yields after each entry how many items it has. Changes to one leave the other alone. */
  copy(): Generator<number, EntryIndex>;
}

/** @param open how a sealed value is opened, each time that a template reads it */
export const createEntryIndex = (open: OpenValue): EntryIndex => new ScopedEntries(open);

class ScopedEntries implements EntryIndex {
  readonly #open: OpenValue;
  readonly #scopes = new Map<string, Scope>();
  readonly #leftOut = new LeftOutPrefixes();
  readonly #entries = new Map<string, IndexedEntry>();
  #changed = 0;

  constructor(open: OpenValue) {
    this.#open = open;
  }

  put(record: string, next: EntryContent, { owner, scope, traceparent }: EntryPlace): void {
    const scoped = this.#scopes.get(scope) ?? newScope(scope);
    const { name, items } = scoped;
    if (this.#entries.get(record)?.scope !== scope) this.remove(record);
    const entry = this.#entries.get(record) ?? new IndexedEntry(name);
    this.#entries.set(record, entry);
    if (entry.lookupKeys.length > 0) this.#takeOut(entry, new Set(next.lookupKeys));
    this.#leftOut.count(entry, -1);
    entry.traceparent = traceparent;
    entry.leftOut = next.leftOut;
    entry.lookupKeys = next.lookupKeys;
    this.#leftOut.count(entry, 1);
    for (const lookupKey of entry.lookupKeys) {
      const before = items.get(lookupKey);
      const item = itemOf(entry, itemContent(next, lookupKey, owner), before);
      if (item === before) continue;
      items.set(lookupKey, item);
      this.#changed += 1;
    }
    if (items.size > 0) this.#scopes.set(name, scoped);
  }

  remove(record: string): void {
    const entry = this.#entries.get(record);
    if (entry === undefined) return;
    this.#entries.delete(record);
    this.#leftOut.count(entry, -1);
    this.#takeOut(entry, nothing);
  }

  item(scope: string, lookupKey: string): IndexedItem | undefined {
    const found = this.#scopes.get(scope)?.items.get(lookupKey);
    return (
      found && {
        variables: variablesOf(found, lookupKey, this.#open),
        traceparent: found.entry.traceparent,
      }
    );
  }

  lookupKeys(scope: string): Iterable<string> {
    return this.#scopes.get(scope)?.items.keys() ?? [];
  }

  leavesOut(scope: string, lookupKey: string): boolean {
    return this.#leftOut.has(scope, lookupKey.slice(0, lookupKey.indexOf('/') + 1));
  }

  itemsOf(record: string): number {
    return this.#entries.get(record)?.lookupKeys.length ?? 0;
  }

  changedItems(): number {
    return this.#changed;
  }

  *copy(): Generator<number, EntryIndex> {
    const copy = new ScopedEntries(this.#open);
    copy.#changed = this.#changed;
    for (const [record, entry] of this.#entries) {
      copy.#adopt(record, entry, this.#scopes.get(entry.scope)?.items);
      yield entry.lookupKeys.length;
    }
    return copy;
  }

  /** Takes over an entry of another index, with those of its items that no other entry has in its place. */
  #adopt(record: string, held: IndexedEntry, items: ReadonlyMap<string, OwnedItem> | undefined): void {
    const entry = new IndexedEntry(held.scope);
    entry.traceparent = held.traceparent;
    entry.leftOut = held.leftOut;
    entry.lookupKeys = held.lookupKeys;
    this.#entries.set(record, entry);
    this.#leftOut.count(entry, 1);
    const scope = this.#scopes.get(entry.scope) ?? newScope(entry.scope);
    for (const lookupKey of entry.lookupKeys) {
      const item = items?.get(lookupKey);
      if (item?.entry !== held) continue;
      scope.items.set(lookupKey, item === held ? entry : { entry, text: item.text, sealed: item.sealed });
    }
    if (scope.items.size > 0) this.#scopes.set(scope.name, scope);
  }

  #takeOut(entry: IndexedEntry, kept: ReadonlySet<string>): void {
    const items = this.#scopes.get(entry.scope)?.items;
    for (const lookupKey of entry.lookupKeys) {
      if (kept.has(lookupKey) || items?.get(lookupKey)?.entry !== entry) continue;
      items.delete(lookupKey);
      this.#changed += 1;
    }
    if (items?.size === 0) this.#scopes.delete(entry.scope);
  }
}

/** Makes what stands for a lookup key of an entry: the item before, if it is the same. */
function itemOf(
  entry: IndexedEntry,
  { text, sealed }: ItemContent,
  before: OwnedItem | undefined,
): OwnedItem {
  if (sealed === undefined && before?.entry === entry && before.sealed === undefined && before.text === text)
    return before;
  return text === '' && sealed === undefined ? entry : { entry, text, sealed };
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

const newScope = (name: string): Scope => ({ name, items: new Map() });
