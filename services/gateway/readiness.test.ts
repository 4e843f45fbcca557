import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/latchkey-config.ts';
import { notReadyReasons, type ReadinessFacts, restartReasons } from './readiness.ts';

const facts = (overrides: Partial<ReadinessFacts> = {}): ReadinessFacts => ({
  certificate: 'valid',
  chain: ['global', 'k8s'],
  isComplete: () => true,
  isHeard: () => true,
  uptimeMs: 0,
  readyGraceMs: 15_000,
  draining: false,
  ...overrides,
});

test('a certificate, complete rules and living resolvers make a gateway ready at once', () => {
  assert.deepEqual(notReadyReasons(facts()), []);
});

test('an incomplete manager is named until the grace time is over', () => {
  const isComplete = (manager: string): boolean => manager === 'k8s';
  assert.deepEqual(notReadyReasons(facts({ isComplete })), ['no complete rules of manager global yet']);
  assert.deepEqual(notReadyReasons(facts({ isComplete, uptimeMs: 15_000 })), []);
});

test('a resolver that was not heard holds readiness up no longer than the grace time', () => {
  const isHeard = (): boolean => false;
  assert.equal(notReadyReasons(facts({ isHeard })).length, 2);
  assert.deepEqual(notReadyReasons(facts({ isHeard, uptimeMs: 15_000 })), []);
});

test('grace never makes a gateway ready that knows nothing', () => {
  assert.equal(notReadyReasons(facts({ isComplete: () => false, uptimeMs: 60_000 })).length, 2);
});

test('neither a missing certificate nor a stop is ever ready', () => {
  assert.equal(notReadyReasons(facts({ certificate: 'missing', uptimeMs: 60_000 })).length, 1);
  assert.equal(notReadyReasons(facts({ draining: true })).length, 1);
});

test('what the TLS server and the key ring were started with stays until a restart, and that is said', () => {
  const changed = latchkeyConfigSchema.parse({
    global: { keyRingDir: '/other' },
    webhook: { clientCa: '/ca.crt' },
    k8s: { inventory: 'open' },
  });
  const reasons = restartReasons(latchkeyConfigSchema.parse({}), changed).join('\n');
  for (const field of ['webhook.clientCa', 'global.keyRingDir']) assert.ok(reasons.includes(field), field);
  assert.deepEqual(restartReasons(changed, changed), []);
});
