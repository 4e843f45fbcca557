import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadLatchkeyFile } from '#shared/config/latchkey-file.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { serviceProblems } from '#shared/managers/chain/chain-problems.ts';
import { credentialsSecret, passwordFor, passwordVariables } from './credentials.ts';

// Prints a Secret with a new random password for every user of nats.conf, and for the routes of a cluster. Of resolvers
// only those of the managers in the chain of latchkey.yaml get one; the others are locked, since nats-server needs some:
//   npm run -s nats-credentials [-- --config deploy/latchkey.yaml] | kubectl create -f -
// Or of one manager alone, when it comes to an installation:
//   npm run -s nats-credentials -- --manager aws | kubectl replace -f -
// Run again to rotate: restart NATS afterwards; services read the new files at their next connection attempt.
const { values } = parseArgs({
  options: {
    manager: { type: 'string' },
    config: { type: 'string', default: join(import.meta.dirname, '../latchkey.yaml') },
  },
});
const files = ['nats.conf', 'cluster/nats-cluster.conf'].map((name) => join(import.meta.dirname, name));
const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
const users = texts.flatMap((text) => [...passwordVariables(text).keys()]);
const { manager } = values;
const managers = manager === undefined ? await readChain(values.config) : [manager];
const missing = managers.map((name) => `resolver-${name}`).filter((user) => !users.includes(user));
if (missing.length > 0) {
  fail(`deploy/nats/nats.conf has no user ${missing.join(', ')}: add it, docs/recipes.md says how`);
}
const wanted = manager === undefined ? users : [`resolver-${manager}`];
for (const user of wanted) {
  process.stdout.write(`${JSON.stringify(credentialsSecret(user, passwordFor(user, managers)))}\n`);
}

async function readChain(path: string): Promise<string[]> {
  try {
    return (await loadLatchkeyFile(path, serviceProblems)).chain;
  } catch (err) {
    if (err instanceof LatchkeyError) fail(err.message);
    throw err;
  }
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
