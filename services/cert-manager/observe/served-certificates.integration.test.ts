import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publishHeartbeat } from '#shared/bus/link/heartbeats.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { startTestBus } from '#testkit/nats/test-bus.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { followServedCertificates } from './served-certificates.ts';

test('a thousand made-up gateways do not take more room than an installation has, and the living stay known', async (t) => {
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
  // As fast as they are heard.
  for (let wave = 0; wave < 11; wave++) {
    say('living', 'b');
    for (let index = 0; index < 100; index++) say(`forged-${wave}-${index}`, 'c');
    const last = `forged-${wave}-99`;
    await waitFor(() => served.of(last), { timeoutMs: 10_000, what: 'the last heartbeat' });
  }
  assert.equal(served.all().length, 1_000);
  assert.equal(served.of('living')?.leaf, 'b'.repeat(64));
  assert.equal(served.of('silent'), undefined);
});
