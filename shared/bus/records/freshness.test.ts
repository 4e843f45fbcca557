import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Heartbeat } from '#shared/contracts/bus/heartbeat.ts';
import { createFreshness } from './freshness.ts';

const aHeartbeat = (overrides: Partial<Heartbeat> = {}): Heartbeat => ({
  schema: 1,
  service: 'resolver',
  uid: 'u1',
  ready: true,
  applied: [{ owner: 'k8s', epoch: 2, seq: 7 }],
  sourceAgeMs: 0,
  ...overrides,
});

test('an owner that was never heard is infinitely old', () => {
  assert.equal(createFreshness().ageMs('k8s', 1_000), Infinity);
});

test('a heartbeat makes an owner as old as its source plus the time since', () => {
  const freshness = createFreshness();
  freshness.heard(aHeartbeat({ sourceAgeMs: 500 }), [{ owner: 'k8s', epoch: 2, seq: 7 }], 10_000);
  assert.equal(freshness.ageMs('k8s', 10_250), 750);
});

test('a heartbeat ahead of what was applied proves nothing', () => {
  const freshness = createFreshness();
  freshness.heard(aHeartbeat(), [{ owner: 'k8s', epoch: 2, seq: 6 }], 10_000);
  freshness.heard(aHeartbeat(), [{ owner: 'k8s', epoch: 1, seq: 99 }], 10_000);
  assert.equal(freshness.ageMs('k8s', 10_000), Infinity);
});

test('a publisher that another has taken over from proves nothing, though it still beats', () => {
  const freshness = createFreshness();
  const applied = [{ owner: 'k8s', epoch: 3, seq: 4 }];
  freshness.heard(aHeartbeat(), applied, 10_000);
  assert.equal(freshness.ageMs('k8s', 10_001), Infinity);
  freshness.heard(aHeartbeat({ applied }), applied, 10_000);
  freshness.heard(aHeartbeat(), applied, 14_000);
  assert.equal(freshness.ageMs('k8s', 14_000), 4_000);
});

test('what was ahead under one publisher counts no more under the next, whose own heartbeats do', () => {
  const freshness = createFreshness();
  const at = (epoch: number, seq: number) => [{ owner: 'k8s', epoch, seq }];
  freshness.heard(aHeartbeat({ applied: at(2, 9) }), at(2, 7), 10_000);
  freshness.heard(aHeartbeat({ applied: at(3, 1) }), at(3, 0), 12_000);
  assert.equal(freshness.ageMs('k8s', 12_000), Infinity);
  freshness.heard(aHeartbeat({ applied: at(3, 2) }), at(3, 1), 14_000);
  assert.equal(freshness.ageMs('k8s', 14_000), 2_000);
});

test('a late heartbeat with an old source never makes knowledge older', () => {
  const freshness = createFreshness();
  const applied = [{ owner: 'k8s', epoch: 2, seq: 7 }];
  freshness.heard(aHeartbeat(), applied, 10_000);
  freshness.heard(aHeartbeat({ sourceAgeMs: 60_000 }), applied, 11_000);
  assert.equal(freshness.ageMs('k8s', 11_000), 1_000);
});

test('under steady change a heartbeat that was ahead counts once that is applied', () => {
  const freshness = createFreshness();
  const version = (seq: number) => ({ owner: 'k8s', epoch: 2, seq });
  for (const [beat, seq] of [10, 20, 30, 40].entries()) {
    const nowMs = beat * 2_000;
    freshness.heard(aHeartbeat({ applied: [version(seq)] }), [version(seq - 1)], nowMs);
    assert.equal(freshness.ageMs('k8s', nowMs), beat === 0 ? Infinity : 2_000);
  }
});
