import type { ZodType } from 'zod';
import { maxRecordBytes } from '#shared/bus/link/buckets.ts';
import type { RecordKey } from '#shared/contracts/bus/bucket.ts';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { type InventoryEntry, inventoryEntrySchema } from '#shared/contracts/inventory/inventory-entry.ts';
import { inventoryNamespaceSchema } from '#shared/contracts/inventory/inventory-namespace.ts';
import { mostItemsOfEntry, type RuleEntry, type RuleNamespace } from '#shared/contracts/rules/rule-entry.ts';
import { checkShape } from '#shared/contracts/shapes/check-shape.ts';
import type { Manager } from '#shared/managers/shipped/manager.ts';

/** Describes a record of the rules bucket; `value` undefined = it must not exist. */
export interface RuleRecord {
  key: string;
  value: RuleEntry | RuleNamespace | undefined;
  /** Whether the secret has more keys than a record may name. */
  isTooLarge?: true;
}

/**
 * Makes a manager's rule of one inventory record: the same key under the manager's own prefix. A fact that the manager
 * cannot serve, or a namespace it does not know completely, becomes no record.
 * @throws RECORD_INVALID when the record is none of the inventory's
 */
export function ruleRecord(
  manager: Manager,
  config: LatchkeyConfig,
  change: { key: RecordKey; value: unknown },
): RuleRecord | undefined {
  const key = { ...change.key, owner: manager.name };
  if (key.kind === 'entry') return { key: formatKey(key), ...entryOf(manager, config, change.value) };
  if (key.kind !== 'namespace') return undefined;
  return { key: formatKey(key), value: namespaceOf(manager, config, key.namespace, change.value) };
}

function namespaceOf(
  manager: Manager,
  config: LatchkeyConfig,
  namespace: string,
  value: unknown,
): RuleNamespace | undefined {
  if (value === undefined) return undefined;
  const marker = parse(inventoryNamespaceSchema, value);
  if (!manager.knowsNamespace(marker, config)) return undefined;
  return { schema: 1, namespace, ...(marker.partial === true ? { partial: true } : {}) };
}

function entryOf(manager: Manager, config: LatchkeyConfig, value: unknown): Omit<RuleRecord, 'key'> {
  if (value === undefined) return { value };
  const fact = parse(inventoryEntrySchema, value);
  if (!isTooLarge(fact)) return { value: manager.entry(fact, config)?.entry };
  return { value: manager.entry({ ...fact, keys: [], leftOut: true }, config)?.entry, isTooLarge: true };
}

/**
 * Tells whether no reader would take the rule, before it is made: each of its keys stands beside the secret's name, and
 * so a record of a megabyte could become one of gigabytes. It is left out as a Secret with too many keys is.
 */
function isTooLarge({ secret, keys }: InventoryEntry): boolean {
  if (keys.length > mostItemsOfEntry) return true;
  const bytes = keys.reduce((sum, key) => sum + key.length, keys.length * (secret.length + bytesAroundKey));
  return bytes > maxRecordBytes;
}

/** In a rule: `"<secret>/<key>":{},`. */
const bytesAroundKey = '"/":{},'.length;

function parse<T>(schema: ZodType<T>, value: unknown): T {
  const parsed = checkShape(schema, value);
  if (parsed.success) return parsed.data;
  throw new LatchkeyError(
    'RECORD_INVALID',
    'An inventory record is not of schema version 1: upgrade the resolver.',
  );
}
