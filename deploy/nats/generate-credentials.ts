import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { credentialsSecret, passwordVariables } from './credentials.ts';

// Prints a Secret with a new random password for every user of nats.conf, and for the routes of a cluster:
//   npm run -s nats-credentials | kubectl create -f -
// Run again to rotate: restart NATS afterwards; services read the new files at their next connection attempt.
const files = ['nats.conf', 'cluster/nats-cluster.conf'].map((name) => join(import.meta.dirname, name));
const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
const users = texts.flatMap((text) => [...passwordVariables(text).keys()]);
// nats-server parses the value of a variable: one that begins like a number or a date would not be text.
const newPassword = (): string => `password-${randomBytes(24).toString('hex')}`;
for (const user of users) {
  process.stdout.write(`${JSON.stringify(credentialsSecret(user, newPassword()))}\n`);
}
