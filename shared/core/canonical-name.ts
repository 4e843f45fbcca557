/** Managers that take several names for one secret: from a lookup key, or a glob of one, to one name for all. */
const canonicalNames: Record<string, ((lookupKey: string) => string) | undefined> = {
  // Vault's agent puts `data/` behind the mount of a kv2 engine where it is missing, and where mounts end only Vault
  // knows (hashicorp/consul-template, dependency/vault_read.go: addPrefixToVKVPath).
  vault: (lookupKey) => lookupKey.replaceAll(/\/data(?=\/)/g, ''),
  // Hosts and names are case-insensitive; behind the name stands a version (Azure, "About keys, secrets and
  // certificates": vault names and object names).
  azure: (lookupKey) =>
    lookupKey
      .toLowerCase()
      .replace(/^(https:\/\/[^/]*?)\.?(\/|$)/, '$1$2')
      .replace(/^(https:\/\/[^/]+\/[^/]+\/[^/]+)\/.*$/, '$1'),
};

/** The one name, among all that a manager takes for the secret of a lookup key; of a glob, the glob of such names. */
export function canonicalName(manager: string, lookupKey: string): string {
  return canonicalNames[manager]?.(lookupKey) ?? lookupKey;
}
