import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Authenticator,
  credsAuthenticator,
  nkeyAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node';
import type { Logger } from 'pino';

/**
 * Logs a NATS user in with what is in a folder (a mounted Secret), the first that is there: `<user>.creds` (JWT and seed,
 * as nsc writes it), `<user>.nk` (the seed of an nkey), or `username` and `password` (kubernetes.io/basic-auth). The
 * folder is read at every connection attempt, so that rotated credentials need no restart. Never throws: an authenticator
 * that throws makes the NATS client close for good (nats-core protocol.js, processInfo); without a file the server refuses
 * instead, and the client tries again.
 */
export function credentialsIn(dir: string, user: string, log: Logger): Authenticator {
  return (nonce) => {
    try {
      return loginIn(dir, user)(nonce);
    } catch (err) {
      const message =
        'NATS credentials are not readable: expected a .creds file, a .nk seed, or username and password';
      log.error({ err, dir, user }, message);
      return { user: '' };
    }
  };
}

function loginIn(dir: string, user: string): Authenticator {
  const creds = readIfThere(join(dir, `${user}.creds`));
  if (creds !== undefined) return credsAuthenticator(Buffer.from(`${creds}\n`));
  const seed = readIfThere(join(dir, `${user}.nk`));
  if (seed !== undefined) return nkeyAuthenticator(Buffer.from(seed));
  const read = (name: string) => readFileSync(join(dir, name), 'utf8').trim();
  return usernamePasswordAuthenticator(read('username'), read('password'));
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (err) {
    if (err instanceof Error && 'code' in err && err.code === 'ENOENT') return undefined;
    throw err;
  }
}
