import assert from 'node:assert/strict';
import { test } from 'node:test';
import { providedAction } from './provided-action.ts';
import type { LeafFact, RotationFacts } from './rotation-facts.ts';

const leaf: LeafFact = { id: 'leaf', issuer: 'new', problem: undefined, due: false, issuedAt: '' };
const serving = { leaf, bundle: ['new'], state: undefined, request: undefined, isConformant: true };
const webhook = {
  trusted: ['old'],
  current: ['old'],
  unmanagedReason: undefined,
  drifted: false,
  isBundleDeferred: false,
};
const endpoint = { name: 'gateway-0', ready: true, leaf: 'leaf', fresh: true };
type Input = Pick<RotationFacts, 'serving' | 'webhook' | 'endpoints'>;
const actionOf = (facts: Partial<Input>, steadyMs = 0) =>
  providedAction({ serving, webhook, endpoints: [endpoint], ...facts }, () => steadyMs, 1_000);
const bundleOf = (result: ReturnType<typeof actionOf>) =>
  result.kind === 'wait' ? undefined : result.bundle;

test('a new CA is added beside the old one, which goes when the leaf was served everywhere for long enough', () => {
  assert.deepEqual(bundleOf(actionOf({})), ['new', 'old']);
  const both = { ...webhook, trusted: ['new', 'old'], current: ['new', 'old'] };
  assert.equal(bundleOf(actionOf({ webhook: both }, 999)), undefined);
  assert.deepEqual(bundleOf(actionOf({ webhook: both }, 1_000)), ['new']);
  const silent = [endpoint, { ...endpoint, name: 'gateway-1', fresh: false }];
  assert.equal(bundleOf(actionOf({ webhook: both, endpoints: silent }, 1_000)), undefined);
});

test('a Secret that cannot be right leaves the bundle as it is', () => {
  const broken = { ...serving, leaf: { ...leaf, problem: 'it expired' } };
  assert.deepEqual(actionOf({ serving: broken }), { kind: 'wait', recheckMs: 2_000, problem: 'it expired' });
  assert.deepEqual(bundleOf(actionOf({ serving: broken, webhook: { ...webhook, drifted: true } })), ['old']);
  const nothing = { ...webhook, trusted: undefined, current: [], drifted: true };
  assert.equal(bundleOf(actionOf({ serving: undefined, webhook: nothing })), undefined);
});

test('an object that is not to be touched is not', () => {
  assert.equal(bundleOf(actionOf({ webhook: { ...webhook, unmanagedReason: 'paused' } })), undefined);
});
