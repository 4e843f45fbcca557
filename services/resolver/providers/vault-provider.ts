import type { VaultProviderConfig } from '#shared/contracts/config/provider-config.ts';
import type { Provider } from './provider.ts';
import { createVaultSession, type VaultSession } from './vault-session.ts';

type Mount = VaultProviderConfig['mounts'][number];

/**
 * HashiCorp Vault or OpenBao, by LIST alone: each path that a task may name, `<mount>/data/<path>` for kv2,
 * `<mount>/<path>` for kv1, `<mount>/creds/<role>` and `<mount>/static-creds/<role>` for db.
 */
export function createVaultProvider(config: VaultProviderConfig): Provider {
  return {
    async *listSecrets(signal) {
      const session = await createVaultSession(config, signal);
      try {
        for (const mount of config.mounts) {
          for await (const secret of pathsOf(session, mount)) yield { secret, keys: [] };
        }
      } finally {
        await session.end();
      }
    },
  };
}

async function* pathsOf(session: VaultSession, { path, engine }: Mount): AsyncIterable<string> {
  switch (engine) {
    case 'kv1':
      return yield* below(session, `${path}/`, `${path}/`, '');
    case 'kv2':
      return yield* below(session, `${path}/metadata/`, `${path}/data/`, '');
    case 'db':
      for (const role of await session.list(`${path}/roles`)) yield `${path}/creds/${role}`;
      for (const role of await session.list(`${path}/static-roles`)) yield `${path}/static-creds/${role}`;
  }
}

/** A name that ends with a slash is a folder. */
async function* below(
  session: VaultSession,
  listed: string,
  named: string,
  folder: string,
): AsyncIterable<string> {
  for (const name of await session.list(`${listed}${folder}`)) {
    if (name.endsWith('/')) yield* below(session, listed, named, `${folder}${name}`);
    else yield `${named}${folder}${name}`;
  }
}
