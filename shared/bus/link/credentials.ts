import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Authenticator,
  jwtAuthenticator,
  nkeyAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node';
import type { Logger } from 'pino';
import { parseCredsFile } from './creds-file.ts';

/** A file of nsc has 1 to 4 KiB; a longer one is none, and is not read to its end. */
const mostBytes = 64 * 1024;

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
  if (creds !== undefined) {
    const { jwt, seed } = parseCredsFile(creds);
    return jwtAuthenticator(jwt, Buffer.from(seed));
  }
  const seed = readIfThere(join(dir, `${user}.nk`));
  if (seed !== undefined) return nkeyAuthenticator(Buffer.from(seed));
  return usernamePasswordAuthenticator(readShort(join(dir, 'username')), readShort(join(dir, 'password')));
}

function readIfThere(path: string): string | undefined {
  try {
    return readShort(path);
  } catch (err) {
    if (err instanceof Error && 'code' in err && err.code === 'ENOENT') return undefined;
    throw err;
  }
}

/** Reads a file of at most 64 KiB, trimmed. @throws for a longer one */
function readShort(path: string): string {
  const buffer = Buffer.alloc(mostBytes + 1);
  const file = openSync(path, 'r');
  let length = 0;
  try {
    for (let read = 1; read > 0 && length < buffer.length; length += read) {
      read = readSync(file, buffer, length, buffer.length - length, null);
    }
  } finally {
    closeSync(file);
  }
  if (length > mostBytes) throw new Error(`${path} has more than ${mostBytes} bytes`);
  return buffer.toString('utf8', 0, length).trim();
}
