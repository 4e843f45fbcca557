import type { VaultProviderConfig } from '#shared/contracts/config/provider-config.ts';
import type { Listing, Provider } from './provider.ts';
import { vaultPaths } from './vault-paths.ts';
import { createVaultSession, type VaultSession } from './vault-session.ts';

type Mount = VaultProviderConfig['mounts'][number];

/**
 * HashiCorp Vault or OpenBao, by LIST alone: each path that a task may name, `<mount>/data/<path>` for kv2,
 * `<mount>/<path>` for kv1, `<mount>/creds/<role>` and `<mount>/static-creds/<role>` for db.
 */
export function createVaultProvider(config: VaultProviderConfig, mostAnswerBytes: number): Provider {
  return {
    async *listSecrets(listing) {
      const session = await createVaultSession(config, { signal: listing.signal, mostAnswerBytes });
      try {
        for (const mount of config.mounts) {
          for await (const secret of pathsOf(session, mount, listing)) yield { secret, keys: [] };
        }
      } finally {
        await session.end();
      }
    },
  };
}

async function* pathsOf(
  session: VaultSession,
  { path, engine }: Mount,
  listing: Listing,
): AsyncIterable<string> {
  switch (engine) {
    case 'kv1':
      return yield* vaultPaths(session, { listed: `${path}/`, named: `${path}/` }, listing);
    case 'kv2':
      return yield* vaultPaths(session, { listed: `${path}/metadata/`, named: `${path}/data/` }, listing);
    case 'db':
      return yield* rolesOf(session, path, listing);
  }
}

async function* rolesOf(session: VaultSession, mount: string, listing: Listing): AsyncIterable<string> {
  for (const [listed, named] of [
    ['roles', 'creds'],
    ['static-roles', 'static-creds'],
  ]) {
    listing.enter(`${mount}/${named}/`);
    const roles = await session.list(`${mount}/${listed}`);
    for (const role of roles.parse()) yield `${mount}/${named}/${role}`;
  }
}
