import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';
import { startTestBus, type TestBus, writeCredentials } from '#testkit/nats/test-bus.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

let testBus: TestBus;

before(async () => {
  testBus = await startTestBus();
});
after(() => testBus.stop());

const rightPassword = () => testBus.nats.passwords.gateway ?? '';
const refusals = (from: number) =>
  testBus.logLines.slice(from).filter((line) => /AuthorizationError|Authorization Violation/i.test(line))
    .length;

test('wrong credentials are tried for ever, visibly, and corrected ones connect without a restart', async () => {
  const from = testBus.logLines.length;
  const folder = await testBus.credentials('gateway', 'wrong-password');
  const bus = await testBus.connect('gateway', { credentialsFolder: folder });
  await waitFor(() => refusals(from) >= 3, { timeoutMs: 10_000, what: 'three refusals in the log' });
  assert.equal(bus.connected(), false);
  await writeCredentials(folder, 'gateway', rightPassword());
  await waitFor(() => bus.connected(), { timeoutMs: 10_000, what: 'the connection' });
  const log = testBus.logLines.join('');
  assert.ok(!log.includes('wrong-password') && !log.includes(rightPassword()), 'a password is in the log');
});

test('a folder without credentials is reported by name and waited for', async () => {
  const folder = await mkdtemp(join(await testBus.credentials('gateway'), 'none-'));
  const bus = await testBus.connect('gateway', { credentialsFolder: folder });
  const isReported = () =>
    testBus.logLines.some((line) => line.includes('credentials are not readable') && line.includes(folder));
  await waitFor(isReported, { timeoutMs: 10_000, what: 'the report' });
  await writeCredentials(folder, 'gateway', rightPassword());
  await waitFor(() => bus.connected(), { timeoutMs: 10_000, what: 'the connection' });
});

test('credentials that are refused at a reconnection are tried for ever too', async (t) => {
  const folder = await testBus.credentials('gateway');
  const bus = await testBus.connect('gateway', { credentialsFolder: folder });
  await bus.linked();
  let reconnections = 0;
  t.after(
    bus.onReconnect(() => {
      reconnections += 1;
    }),
  );
  await testBus.nats.kill9();
  await waitFor(() => !bus.connected(), { timeoutMs: 5_000, what: 'the loss' });
  const from = testBus.logLines.length;
  await writeCredentials(folder, 'gateway', 'rotated-too-early');
  await testBus.nats.start();
  await waitFor(() => refusals(from) >= 3, { timeoutMs: 20_000, what: 'three refusals in the log' });
  await writeCredentials(folder, 'gateway', rightPassword());
  await waitFor(() => bus.connected(), { timeoutMs: 10_000, what: 'the reconnection' });
  assert.equal(reconnections, 1);
});

test('a server that is not there yet is waited for, and closing ends the wait', async () => {
  const bus = await testBus.connect('gateway', { url: 'nats://127.0.0.1:1' });
  const linked = assert.rejects(
    bus.linked(),
    (err) => err instanceof LatchkeyError && err.code === 'BUS_UNAVAILABLE',
  );
  assert.equal(bus.connected(), false);
  assert.equal(bus.link(), undefined);
  await bus.close();
  await linked;
});

test('closing delivers what was published just before', async () => {
  const { nc } = await testBus.admin();
  const subscription = nc.subscribe('last.words', { max: 1 });
  await nc.flush();
  const bus = await testBus.connect();
  (await bus.linked()).nc.publish('last.words', 'delivered');
  await bus.close();
  for await (const message of subscription) assert.equal(message.string(), 'delivered');
  assert.equal(bus.connected(), false);
});

test('a connection that the client closes for good ends the process, an asked-for end does not', async () => {
  const bus = await testBus.connect();
  const { nc } = await bus.linked();
  assert.deepEqual(testBus.ends, []);
  await nc.close();
  await waitFor(() => testBus.ends.length > 0, { timeoutMs: 5_000, what: 'the end' });
  assert.deepEqual(testBus.ends, [exitCode.failed]);
});
