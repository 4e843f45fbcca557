import type { InventoryEntry } from '#shared/contracts/inventory/inventory-entry.ts';
import type { GlobalCopies } from '#shared/managers/chain/global-copies.ts';
import type { GlobalSecret } from './global-secrets.ts';

/** Puts, or without an entry removes, what the inventory says of a global secret. */
interface GlobalEntryChange {
  name: string;
  entry: InventoryEntry | undefined;
}

type GlobalVersion = Pick<GlobalSecret, 'name' | 'version'>;

/** Lists what the inventory says of each global secret that has a copy, and which of those before have none any more. */
export function planGlobalEntries(
  before: readonly GlobalVersion[],
  globals: readonly GlobalVersion[],
  placement: GlobalCopies['placement'],
): GlobalEntryChange[] {
  const put = globals.flatMap(({ name, version }) => {
    const copy = placement.get(name);
    if (copy === undefined) return [];
    const entry: InventoryEntry = { schema: 1, source: 'global', secret: name, keys: [], version, copy };
    return [{ name, entry }];
  });
  const gone = before.filter(({ name }) => !placement.has(name));
  return [...put, ...gone.map(({ name }) => ({ name, entry: undefined }))];
}
