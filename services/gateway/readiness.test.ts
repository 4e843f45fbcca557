import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notReadyReasons, type ReadinessFacts, snapshotRemarks } from './readiness.ts';

const facts = (overrides: Partial<ReadinessFacts> = {}): ReadinessFacts => ({
  certificate: 'valid',
  chain: ['global', 'k8s'],
  isComplete: () => true,
  isHeard: () => true,
  uptimeMs: 0,
  withoutBusMs: 0,
  snapshot: undefined,
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

const snapshot = { takenAt: '2026-01-02T03:04:05.000Z', ageMs: 180_000 };

test('without a bus a snapshot of every manager makes a gateway ready at once, and it stays so', () => {
  const cold = { snapshot, withoutBusMs: 1_000, uptimeMs: 1_000, isHeard: () => false };
  assert.deepEqual(notReadyReasons(facts(cold)), []);
  assert.deepEqual(notReadyReasons(facts({ ...cold, uptimeMs: 9_000 })), []);
  assert.equal(notReadyReasons(facts({ ...cold, snapshot: undefined })).length, 2);
  const isComplete = (manager: string): boolean => manager === 'k8s';
  assert.equal(notReadyReasons(facts({ ...cold, isComplete })).length, 2);
});

test('with a bus a snapshot does not suffice before the resolvers were heard', () => {
  const isHeard = (): boolean => false;
  assert.equal(notReadyReasons(facts({ snapshot, withoutBusMs: 50, uptimeMs: 5_000, isHeard })).length, 2);
});

test('rules from a snapshot are told with their age until every manager was heard', () => {
  const isHeard = (manager: string): boolean => manager === 'k8s';
  assert.deepEqual(snapshotRemarks(facts({ snapshot, isHeard })), [
    'rules from a snapshot taken at 2026-01-02T03:04:05.000Z, 3 min old',
  ]);
  assert.deepEqual(snapshotRemarks(facts({ snapshot })), []);
  assert.deepEqual(snapshotRemarks(facts({ isHeard })), []);
  assert.deepEqual(snapshotRemarks(facts({ snapshot, isHeard: () => false, isComplete: () => false })), []);
});

test('neither a missing certificate nor a stop is ever ready', () => {
  assert.equal(notReadyReasons(facts({ certificate: 'missing', uptimeMs: 60_000 })).length, 1);
  assert.equal(notReadyReasons(facts({ draining: true })).length, 1);
});
