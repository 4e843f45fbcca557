import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { nkeys } from '@nats-io/transport-node';
import { inventoryBucket, rulesBucket } from '#shared/contracts/bus/bucket.ts';
import { entries, followSet, publishSet, waitForValues } from '#testkit/nats/follow-set.ts';
import { type NatsLogin, natsLogins } from '#testkit/nats/nats-logins.ts';
import { createNatsOperator } from '#testkit/nats/nats-operator.ts';
import { startNatsServer } from '#testkit/nats/nats-server.ts';
import { startOperatorServer } from '#testkit/nats/operator-server.ts';
import { startTestBus } from '#testkit/nats/test-bus.ts';
import { freePorts } from '#testkit/processes/free-ports.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { ensureBuckets } from './buckets.ts';

const configuration = await readFile(join(import.meta.dirname, '../../../deploy/nats/nats.conf'), 'utf8');
const logins = natsLogins(configuration);
const loginOf = (user: string): NatsLogin => {
  const login = logins.find((each) => each.user === user);
  assert.ok(login !== undefined, user);
  return login;
};

/** A credentials folder with these files. */
async function folderWith(t: TestContext, files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-credentials-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

const connected = { timeoutMs: 10_000, what: 'the connection' };

test('services log in with .creds files of an operator, with the permissions of nats.conf, and rotate them', async (t) => {
  const operator = createNatsOperator();
  const testBus = await startTestBus(async (place, guard) => [
    await startOperatorServer(operator, place, guard),
  ]);
  t.after(() => testBus.stop());
  const connect = async (user: string) => {
    const files = { [`${user}.creds`]: operator.credsOf(loginOf(user)) };
    const credentialsFolder = await folderWith(t, files);
    return { bus: await testBus.connect(user, { credentialsFolder }), credentialsFolder };
  };
  const [discovery, resolver, gateway] = [
    await connect('discovery'),
    await connect('resolver-k8s'),
    await connect('gateway'),
  ];
  assert.equal(await ensureBuckets(discovery.bus, { log: testBus.log }), true);
  const inventory = followSet(t, testBus, resolver.bus, inventoryBucket, 'k8s');
  const rules = followSet(t, testBus, gateway.bus, rulesBucket, 'k8s');
  publishSet(t, testBus, discovery.bus, inventoryBucket, 'k8s').replace(entries('k8s', { a: 1 }));
  const publisher = publishSet(t, testBus, resolver.bus, rulesBucket, 'k8s');
  publisher.replace(entries('k8s', { a: 1 }));
  await waitForValues(inventory, 'k8s', { a: 1 });
  await waitForValues(rules, 'k8s', { a: 1 });

  const file = join(gateway.credentialsFolder, 'gateway.creds');
  await writeFile(file, createNatsOperator().credsOf(loginOf('gateway')));
  await testBus.nats.kill9();
  await testBus.nats.start();
  const isRefused = () => testBus.logLines.some((line) => /Authorization Violation/i.test(line));
  await waitFor(isRefused, { timeoutMs: 20_000, what: 'the refusal of a foreign operator' });
  await writeFile(file, operator.credsOf(loginOf('gateway')));
  await waitFor(() => gateway.bus.connected(), connected);
  publisher.replace(entries('k8s', { a: 2 }));
  await waitForValues(rules, 'k8s', { a: 2 });
  assert.doesNotMatch(testBus.logLines.join(''), /\bSU[A-Z2-7]{56}\b|eyJ0eXAi/);
});

test('a service logs in with the seed of an nkey that the server knows by its public key', async (t) => {
  const pair = nkeys.createUser();
  const testBus = await startTestBus(async (place, guard) => {
    const [port = 0, monitoringPort = 0] = await freePorts(2);
    const adaptNats = (text: string) =>
      text.replace('user: gateway, password: $NATS_GATEWAY_PASSWORD', `nkey: ${pair.getPublicKey()}`);
    return [await startNatsServer({ ...place, port, monitoringPort, adaptNats }, guard)];
  });
  t.after(() => testBus.stop());
  const discovery = await testBus.connect('discovery');
  assert.equal(await ensureBuckets(discovery, { log: testBus.log }), true);
  const seed = Buffer.from(pair.getSeed()).toString('utf8');
  // The password beside it is not used.
  const files = { 'gateway.nk': `${seed}\n`, username: 'gateway', password: 'no longer' };
  const gateway = await testBus.connect('gateway', { credentialsFolder: await folderWith(t, files) });
  await waitFor(() => gateway.connected(), connected);
  const rules = followSet(t, testBus, gateway, rulesBucket, 'k8s');
  publishSet(t, testBus, await testBus.connect('resolver-k8s'), rulesBucket, 'k8s').replace(
    entries('k8s', { a: 1 }),
  );
  await waitForValues(rules, 'k8s', { a: 1 });
  assert.ok(!testBus.logLines.join('').includes(seed), 'the seed is in the log');
});

test('a .creds file or a seed that cannot be read is reported without its content, and waited for', async (t) => {
  const testBus = await startTestBus();
  t.after(() => testBus.stop());
  const folder = await folderWith(t, { 'gateway.creds': 'hunter2' });
  const bus = await testBus.connect('gateway', { credentialsFolder: folder });
  const reports = () =>
    testBus.logLines.filter((line) => line.includes('credentials are not readable')).length;
  await waitFor(() => reports() > 0, { timeoutMs: 10_000, what: 'the report of the .creds file' });
  const before = reports();
  await rm(join(folder, 'gateway.creds'));
  await writeFile(join(folder, 'gateway.nk'), 'hunter2');
  await waitFor(() => reports() > before + 1, { timeoutMs: 10_000, what: 'the report of the seed' });
  await rm(join(folder, 'gateway.nk'));
  await writeFile(join(folder, 'username'), 'gateway');
  await writeFile(join(folder, 'password'), testBus.nats.passwords.gateway ?? '');
  await waitFor(() => bus.connected(), connected);
  assert.doesNotMatch(testBus.logLines.join(''), /hunter2/);
});
