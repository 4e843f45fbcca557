import type { VaultProviderConfig } from '#shared/contracts/config/provider-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { LeaveOut, Provider } from './provider.ts';
import { createVaultSession, type VaultSession } from './vault-session.ts';

type Mount = VaultProviderConfig['mounts'][number];

/**
 * HashiCorp Vault or OpenBao, by LIST alone: each path that a task may name, `<mount>/data/<path>` for kv2,
 * `<mount>/<path>` for kv1, `<mount>/creds/<role>` and `<mount>/static-creds/<role>` for db.
 */
export function createVaultProvider(config: VaultProviderConfig): Provider {
  return {
    async *listSecrets(signal, leaveOut) {
      const session = await createVaultSession(config, signal);
      try {
        for (const mount of config.mounts) {
          for await (const secret of pathsOf(session, mount, leaveOut)) yield { secret, keys: [] };
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
  leaveOut: LeaveOut,
): AsyncIterable<string> {
  switch (engine) {
    case 'kv1':
      return yield* allBelow(session, { listed: `${path}/`, named: `${path}/` }, leaveOut);
    case 'kv2':
      return yield* allBelow(session, { listed: `${path}/metadata/`, named: `${path}/data/` }, leaveOut);
    case 'db':
      for (const role of await session.list(`${path}/roles`)) yield `${path}/creds/${role}`;
      for (const role of await session.list(`${path}/static-roles`)) yield `${path}/static-creds/${role}`;
  }
}

/** Where a mount is listed, and how its paths are named. */
interface Root {
  listed: string;
  named: string;
}

/** Lists a mount. Where a folder was refused the mount is asked again: with a token that ended all of them are. */
async function* allBelow(session: VaultSession, root: Root, leaveOut: LeaveOut): AsyncIterable<string> {
  let refused = 0;
  const names = await session.list(root.listed);
  yield* below(session, root, { path: '', names }, (folder, why) => {
    refused++;
    leaveOut(`${root.named}${folder}`, why);
  });
  if (refused > 0) await session.list(root.listed);
}

/** A name that ends with a slash is a folder. */
async function* below(
  session: VaultSession,
  root: Root,
  folder: { path: string; names: readonly string[] },
  leaveOut: LeaveOut,
): AsyncIterable<string> {
  for (const name of folder.names) {
    const path = `${folder.path}${name}`;
    const segment = name.replace(/\/$/, '');
    if (!isSegment(segment)) leaveOut(path, 'no path of an URL can have this name');
    else if (segment === name) yield `${root.named}${path}`;
    else {
      const names = await listOrLeaveOut(session, `${root.listed}${path}`, (why) => leaveOut(path, why));
      yield* below(session, root, { path, names }, leaveOut);
    }
  }
}

/** Whether it arrives as it is sent: `.` and `..` never do, and half a character cannot be encoded. */
const isSegment = (name: string): boolean =>
  !['', '.', '..'].includes(name) && !name.includes('/') && name.isWellFormed();

/** Answers that are about the path, and not about Vault: bad request, forbidden, not found, not allowed, too long. */
const aboutPath: readonly unknown[] = [400, 403, 404, 405, 414, 431];

async function listOrLeaveOut(
  session: VaultSession,
  path: string,
  leaveOut: (why: string) => void,
): Promise<string[]> {
  try {
    return await session.list(path);
  } catch (error) {
    if (!(error instanceof LatchkeyError) || !aboutPath.includes(error.fields.status)) throw error;
    leaveOut(error.message);
    return [];
  }
}
