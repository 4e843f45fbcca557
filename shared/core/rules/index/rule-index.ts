import { formatKey, type RecordKey } from '#shared/contracts/bus/bucket.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import {
  type RuleNamespace,
  ruleEntrySchema,
  ruleNamespaceSchema,
} from '#shared/contracts/rules/rule-entry.ts';
import { checkShape } from '#shared/contracts/shapes/check-shape.ts';
import { type CompiledRecipe, compileRecipe } from '#shared/core/rules/recipe/recipe.ts';
import { createEntryIndex, type EntryIndex, type EntryPlace, type IndexedItem } from './entry-index.ts';
import type { OpenValue } from './sealed-value.ts';

/** One record that appeared, changed or (value undefined) went away. `value` is the parsed JSON body. */
export interface RuleChange {
  key: RecordKey;
  /** The key as it is stored, where whoever gives the change keeps it: the index then keeps no other string. */
  record?: string;
  readonly value: unknown;
  /** Of an entry that says nothing else (`readPlainEntry`): its value is not asked for then. */
  lookupKeys?: readonly string[] | undefined;
  traceparent?: string | undefined;
}

interface ManagerRules {
  recipe: { compiled: CompiledRecipe; traceparent: string | undefined } | undefined;
  namespaces: Map<string, RuleNamespace>;
  entries: EntryIndex;
}

/** All rules of one gateway, by manager. A manager without a recipe here has never been complete. */
export interface RuleIndex {
  /**
   * Applies a complete set of changes of one manager, in place and at once.
   * @returns a fault for each refused record (`fields.key` names it); its former rule stays in force
   */
  apply(manager: string, changes: Iterable<RuleChange>): LatchkeyError[];
  /**
   * Prepares what `apply` does, beside what is in force. Yields after each rule how many items it had and has; what it
   * returns does the rest, in one step. Nothing else of the manager may be applied meanwhile.
   */
  prepare(manager: string, changes: Iterable<RuleChange>): Generator<number, () => LatchkeyError[]>;
  /** Lets go of everything of a manager. */
  forget(manager: string): void;
  recipe(manager: string): { compiled: CompiledRecipe; traceparent: string | undefined } | undefined;
  knowsNamespace(manager: string, namespace: string): boolean;
  /** The item of a lookup key in this namespace, else in every namespace. */
  item(manager: string, namespace: string, lookupKey: string): IndexedItem | undefined;
  /** Why a lookup key that is not found may exist all the same: its Secret, or some of the namespace, is left out. */
  leftOut(manager: string, namespace: string, lookupKey: string): 'secret' | 'namespace' | undefined;
  /** All lookup keys that hold only in this namespace; without one, those that hold in every namespace. */
  lookupKeys(manager: string, namespace?: string): Iterable<string>;
  /** How many items of a manager the entry of a record has. */
  itemsOf(manager: string, record: string): number;
  /** Counts the changes: as long as it stays, every answer does. */
  version(): number;
  /** How many items of a manager were set or taken out so far: what all changes have cost. */
  changedItems(manager: string): number;
}

const everyNamespace = '';
const neverOpen: OpenValue = () => ({ problem: 'this process has no key ring' });

/**
 * @param reading.compile how a recipe that arrives is compiled
 * @param reading.open how a sealed value is opened, each time that a template reads it
 */
export function createRuleIndex({
  compile = compileRecipe,
  open = neverOpen,
}: Partial<{ compile: Compile; open: OpenValue }> = {}): RuleIndex {
  const managers = new Map<string, ManagerRules>();
  let version = 0;
  const entriesOf = (manager: string): EntryIndex | undefined => managers.get(manager)?.entries;
  return {
    apply(manager, changes) {
      const rules = managers.get(manager) ?? emptyRules(open);
      managers.set(manager, rules);
      version += 1;
      const faults: LatchkeyError[] = [];
      for (const change of changes) tryChange(rules, change, { compile, faults });
      return faults;
    },
    *prepare(manager, changes) {
      const rules = yield* copyRules(managers.get(manager) ?? emptyRules(open));
      const faults: LatchkeyError[] = [];
      for (const change of changes) {
        const record = recordOf(change);
        const before = rules.entries.itemsOf(record);
        tryChange(rules, change, { compile, faults });
        yield before + rules.entries.itemsOf(record);
      }
      return () => {
        managers.set(manager, rules);
        version += 1;
        return faults;
      };
    },
    forget: (manager) => {
      managers.delete(manager);
      version += 1;
    },
    recipe: (manager) => managers.get(manager)?.recipe,
    knowsNamespace: (manager, namespace) => managers.get(manager)?.namespaces.has(namespace) ?? false,
    item: (manager, namespace, lookupKey) =>
      entriesOf(manager)?.item(namespace, lookupKey) ?? entriesOf(manager)?.item(everyNamespace, lookupKey),
    leftOut(manager, namespace, lookupKey) {
      const leaves = (scope: string): boolean => entriesOf(manager)?.leavesOut(scope, lookupKey) ?? false;
      if (leaves(namespace) || leaves(everyNamespace)) return 'secret';
      return managers.get(manager)?.namespaces.get(namespace)?.partial === true ? 'namespace' : undefined;
    },
    lookupKeys: (manager, namespace = everyNamespace) => entriesOf(manager)?.lookupKeys(namespace) ?? [],
    itemsOf: (manager, record) => entriesOf(manager)?.itemsOf(record) ?? 0,
    version: () => version,
    changedItems: (manager) => entriesOf(manager)?.changedItems() ?? 0,
  };
}

function emptyRules(open: OpenValue): ManagerRules {
  return { recipe: undefined, namespaces: new Map(), entries: createEntryIndex(open) };
}

function* copyRules({ recipe, namespaces, entries }: ManagerRules): Generator<number, ManagerRules> {
  return { recipe, namespaces: new Map(namespaces), entries: yield* entries.copy() };
}

const recordOf = ({ key, record = formatKey(key) }: RuleChange): string => record;

type Compile = (recipe: unknown) => CompiledRecipe;

/** Applies a change; one that is refused adds a fault, and its former rule stays. */
function tryChange(
  rules: ManagerRules,
  change: RuleChange,
  { compile, faults }: { compile: Compile; faults: LatchkeyError[] },
): void {
  try {
    applyChange(rules, change, compile);
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error;
    faults.push(withKey(error, change.key));
  }
}

function applyChange(rules: ManagerRules, change: RuleChange, compile: Compile): void {
  const { key, traceparent } = change;
  const record = recordOf(change);
  if (key.kind === 'entry' && change.lookupKeys !== undefined) {
    const { lookupKeys } = change;
    rules.entries.put(record, { lookupKeys }, placeOf(key, traceparent));
    return;
  }
  const { value } = change;
  switch (key.kind) {
    case 'manifest':
      return;
    case 'recipe':
      rules.recipe = value === undefined ? undefined : { compiled: compile(value), traceparent };
      return;
    case 'namespace': {
      const marker = value === undefined ? undefined : checkShape(ruleNamespaceSchema, value);
      if (marker?.success === false) throw invalidRecord(key);
      if (marker === undefined) rules.namespaces.delete(key.namespace);
      else rules.namespaces.set(key.namespace, marker.data);
      return;
    }
    case 'entry':
      applyEntry(rules.entries, key, { record, value, traceparent });
  }
}

function applyEntry(
  entries: EntryIndex,
  key: RecordKey & { kind: 'entry' },
  { record, value, traceparent }: Pick<RuleChange, 'value' | 'traceparent'> & { record: string },
): void {
  if (value === undefined) {
    entries.remove(record);
    return;
  }
  const entry = checkShape(ruleEntrySchema, value);
  if (!entry.success) throw invalidRecord(key);
  const { items, sealed, leftOut } = entry.data;
  const content = { lookupKeys: Object.keys(items), items, sealed, leftOut };
  entries.put(record, content, placeOf(key, traceparent));
}

const placeOf = (
  { owner, namespace }: RecordKey & { kind: 'entry' },
  traceparent: string | undefined,
): EntryPlace => ({ owner, scope: namespace ?? everyNamespace, traceparent });

function invalidRecord(key: RecordKey): LatchkeyError {
  return new LatchkeyError('RECORD_INVALID', `the ${key.kind} does not have the expected shape`);
}

function withKey(error: LatchkeyError, recordKey: RecordKey): LatchkeyError {
  const key = formatKey(recordKey);
  return new LatchkeyError(error.code, `record ${key}: ${error.message}`, { cause: error, fields: { key } });
}
