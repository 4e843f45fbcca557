import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isJointlyServed, isJointlyUsable, jointVersions } from './joint-versions.ts';

const k8s = (seq: number, epoch = 1) => ({ owner: 'k8s', epoch, seq });
const report = (seq: number, over = {}) => ({
  applied: [k8s(seq)],
  usable: ['k8s'],
  certificate: 'A',
  ...over,
});

test('in force is the lowest version of all workers, and nothing that one of them lacks', () => {
  assert.deepEqual(jointVersions([report(3), report(2), report(4)]), [k8s(2)]);
  assert.deepEqual(jointVersions([report(3), report(9, { applied: [k8s(1, 2)] })]), [k8s(3)]);
  assert.deepEqual(jointVersions([report(3), report(3, { applied: [] })]), []);
  assert.deepEqual(jointVersions([]), []);
});

test('rules are usable, and a certificate is acknowledged, when that holds for every worker', () => {
  assert.ok(isJointlyUsable([report(1), report(1)], 'k8s'));
  assert.ok(!isJointlyUsable([report(1), report(1, { usable: [] })], 'k8s'));
  assert.ok(isJointlyServed([report(1), report(1)], 'A'));
  assert.ok(!isJointlyServed([report(1), report(1, { certificate: 'B' })], 'A'));
  assert.ok(!isJointlyServed([report(1), report(1, { certificate: undefined })], 'A'));
  assert.ok(!isJointlyServed([], 'A') && !isJointlyUsable([], 'k8s'));
});
