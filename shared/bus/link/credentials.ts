import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { UserPass } from '@nats-io/transport-node';
import type { Logger } from 'pino';

/**
 * Reads `username` and `password` from a folder (a mounted Secret of type kubernetes.io/basic-auth). Called at every
 * connection attempt, so that rotated credentials need no restart. Never throws: an authenticator that throws makes
 * the NATS client close for good (nats-core protocol.js, processInfo); without a file the server refuses instead,
 * and the client tries again.
 */
export function readCredentials(dir: string, log: Logger): UserPass {
  try {
    const read = (name: string) => readFileSync(join(dir, name), 'utf8').trim();
    return { user: read('username'), pass: read('password') };
  } catch (err) {
    log.error({ err, dir }, 'NATS credentials are not readable: expected the files username and password');
    return { user: '' };
  }
}
