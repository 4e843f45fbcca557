import { formatKey, type RecordKey } from '#shared/contracts/bucket.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { ruleEntrySchema, ruleNamespaceSchema } from '#shared/contracts/rule-entry.ts';
import { type CompiledRecipe, compileRecipe } from './recipe.ts';
import { type OpenValue, withSealedValue } from './sealed-value.ts';

/** One record that appeared, changed or (value undefined) went away. `value` is the parsed JSON body. */
export type RuleChange = { key: RecordKey; value: unknown; traceparent?: string | undefined };

/** What an inventory entry says of one lookup key. */
type IndexedItem = { variables: Readonly<Record<string, string>>; traceparent: string | undefined };

type OwnedItem = IndexedItem & { owner: string };
type ManagerRules = {
  recipe: { compiled: CompiledRecipe; traceparent: string | undefined } | undefined;
  namespaces: Set<string>;
  /** Namespace ('' = every one) -> lookup key -> item. */
  items: Map<string, Map<string, OwnedItem>>;
  /** Record key -> where its items are, to take them out again. */
  records: Map<string, { scope: string; lookupKeys: string[] }>;
};

/** All rules of one gateway, by manager. A manager without a recipe here has never been complete. */
export type RuleIndex = {
  /**
   * Applies a complete set of changes of one manager, in place and at once.
   * @returns a fault for each refused record (`fields.key` names it); its former rule stays in force
   */
  apply(manager: string, changes: Iterable<RuleChange>): LatchkeyError[];
  recipe(manager: string): { compiled: CompiledRecipe; traceparent: string | undefined } | undefined;
  knowsNamespace(manager: string, namespace: string): boolean;
  /** The item of a lookup key in this namespace, else in every namespace. */
  item(manager: string, namespace: string, lookupKey: string): IndexedItem | undefined;
  /** All lookup keys that hold only in this namespace; without one, those that hold in every namespace. */
  lookupKeys(manager: string, namespace?: string): Iterable<string>;
};

const everyNamespace = '';
const neverOpen: OpenValue = () => ({ problem: 'this process has no key ring' });

/**
 * @param reading.compile how a recipe that arrives is compiled
 * @param reading.open how a sealed value is opened, each time that a template reads it
 */
export function createRuleIndex({
  compile = compileRecipe,
  open = neverOpen,
}: Partial<Reading> = {}): RuleIndex {
  const managers = new Map<string, ManagerRules>();
  const itemsOf = (manager: string, scope: string): Map<string, OwnedItem> | undefined =>
    managers.get(manager)?.items.get(scope);
  return {
    apply(manager, changes) {
      const rules = managers.get(manager) ?? emptyRules();
      managers.set(manager, rules);
      const faults: LatchkeyError[] = [];
      for (const change of changes) {
        try {
          applyChange(rules, change, { compile, open });
        } catch (error) {
          if (!(error instanceof LatchkeyError)) throw error;
          faults.push(withKey(error, change.key));
        }
      }
      return faults;
    },
    recipe: (manager) => managers.get(manager)?.recipe,
    knowsNamespace: (manager, namespace) => managers.get(manager)?.namespaces.has(namespace) ?? false,
    item: (manager, namespace, lookupKey) =>
      itemsOf(manager, namespace)?.get(lookupKey) ?? itemsOf(manager, everyNamespace)?.get(lookupKey),
    lookupKeys: (manager, namespace = everyNamespace) => itemsOf(manager, namespace)?.keys() ?? [],
  };
}

function emptyRules(): ManagerRules {
  return { recipe: undefined, namespaces: new Set(), items: new Map(), records: new Map() };
}

type Reading = { compile: (recipe: unknown) => CompiledRecipe; open: OpenValue };

function applyChange(rules: ManagerRules, change: RuleChange, { compile, open }: Reading): void {
  const { key, value, traceparent } = change;
  switch (key.kind) {
    case 'manifest':
      return;
    case 'recipe':
      rules.recipe = value === undefined ? undefined : { compiled: compile(value), traceparent };
      return;
    case 'namespace':
      if (value === undefined) rules.namespaces.delete(key.namespace);
      else if (ruleNamespaceSchema.safeParse(value).success) rules.namespaces.add(key.namespace);
      else throw invalidRecord(key);
      return;
    case 'entry':
      applyEntry(rules, key, { value, traceparent }, open);
  }
}

function applyEntry(
  rules: ManagerRules,
  key: RecordKey & { kind: 'entry' },
  { value, traceparent }: Pick<RuleChange, 'value' | 'traceparent'>,
  open: OpenValue,
): void {
  const entry = value === undefined ? undefined : ruleEntrySchema.safeParse(value);
  if (entry?.success === false) throw invalidRecord(key);
  const owner = formatKey(key);
  removeItems(rules, owner);
  if (entry === undefined) return;
  const scope = key.namespace ?? everyNamespace;
  const scoped = rules.items.get(scope) ?? new Map<string, OwnedItem>();
  rules.items.set(scope, scoped);
  const { sealed = {} } = entry.data;
  const items = Object.entries(entry.data.items);
  for (const [lookupKey, variables] of items) {
    const value = sealed[lookupKey];
    const place = { owner: key.owner, secret: lookupKey };
    const opening =
      value === undefined ? variables : withSealedValue(variables, place, () => open(value, place));
    scoped.set(lookupKey, { variables: opening, traceparent, owner });
  }
  rules.records.set(owner, { scope, lookupKeys: items.map(([lookupKey]) => lookupKey) });
}

function removeItems(rules: ManagerRules, owner: string): void {
  const record = rules.records.get(owner);
  if (record === undefined) return;
  rules.records.delete(owner);
  const scoped = rules.items.get(record.scope);
  for (const lookupKey of record.lookupKeys) {
    if (scoped?.get(lookupKey)?.owner === owner) scoped.delete(lookupKey);
  }
  if (scoped?.size === 0) rules.items.delete(record.scope);
}

function invalidRecord(key: RecordKey): LatchkeyError {
  return new LatchkeyError('RECORD_INVALID', `the ${key.kind} does not have the expected shape`);
}

function withKey(error: LatchkeyError, recordKey: RecordKey): LatchkeyError {
  const key = formatKey(recordKey);
  return new LatchkeyError(error.code, `record ${key}: ${error.message}`, { cause: error, fields: { key } });
}
