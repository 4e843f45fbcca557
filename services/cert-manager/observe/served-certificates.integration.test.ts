import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publishHeartbeat } from '#shared/bus/link/heartbeats.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { startTestBus } from '#testkit/nats/test-bus.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { followServedCertificates } from './served-certificates.ts';

test('thousands of made-up gateways do not take more room than an installation has, and the living stay known', async (t) => {
  const testBus = await startTestBus();
  t.after(() => testBus.stop());
  const [sending, receiving] = await Promise.all([testBus.connect(), testBus.connect()]);
  const served = followServedCertificates(receiving, systemClock);
  t.after(served.stop);
  await Promise.all([sending.linked(), receiving.linked().then(({ nc }) => nc.flush())]);
  const say = (uid: string, leaf: string): void =>
    publishHeartbeat(sending, {
      schema: 1,
      service: 'gateway',
      uid,
      ready: true,
      applied: [],
      servingCertificate: leaf.repeat(64),
      sourceAgeMs: 0,
    });
  say('silent', 'a');
  for (let index = 0; index < 3_000; index++) {
    if (index % 500 === 0) say('living', 'b');
    say(`forged-${index}`, 'c');
  }
  await waitFor(() => served.of('forged-2999'), { timeoutMs: 10_000, what: 'the last heartbeat' });
  assert.equal(served.all().length, 1_000);
  assert.equal(served.of('living')?.leaf, 'b'.repeat(64));
  assert.equal(served.of('silent'), undefined);
});
