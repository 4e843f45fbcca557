import assert from 'node:assert/strict';
import { test } from 'node:test';
import { providedStep } from './provided-action.ts';
import type { Facts, LeafFact } from './rotation-facts.ts';

const leaf: LeafFact = { id: 'leaf', issuer: 'new', problem: undefined, due: false, issuedAt: '' };
const serving = { leaf, bundle: ['new'], state: undefined, request: undefined, tidy: true };
const webhook = {
  trusted: ['old'],
  current: ['old'],
  unmanagedReason: undefined,
  drifted: false,
  isBundleDeferred: false,
};
const endpoint = { name: 'gateway-0', ready: true, leaf: 'leaf', fresh: true };
type Input = Pick<Facts, 'serving' | 'webhook' | 'endpoints'>;
const step = (facts: Partial<Input>, steadyMs = 0) =>
  providedStep({ serving, webhook, endpoints: [endpoint], ...facts }, () => steadyMs, 1_000);
const bundleOf = (result: ReturnType<typeof step>) =>
  result.write === undefined ? undefined : result.bundle;

test('a new CA is added beside the old one, which goes when the leaf was served everywhere for long enough', () => {
  assert.deepEqual(bundleOf(step({})), ['new', 'old']);
  const both = { ...webhook, trusted: ['new', 'old'], current: ['new', 'old'] };
  assert.equal(bundleOf(step({ webhook: both }, 999)), undefined);
  assert.deepEqual(bundleOf(step({ webhook: both }, 1_000)), ['new']);
  const silent = [endpoint, { ...endpoint, name: 'gateway-1', fresh: false }];
  assert.equal(bundleOf(step({ webhook: both, endpoints: silent }, 1_000)), undefined);
});

test('a Secret that cannot be right leaves the bundle as it is', () => {
  const broken = { ...serving, leaf: { ...leaf, problem: 'it expired' } };
  assert.deepEqual(step({ serving: broken }), { write: undefined, recheckMs: 2_000, problem: 'it expired' });
  assert.deepEqual(bundleOf(step({ serving: broken, webhook: { ...webhook, drifted: true } })), ['old']);
  const nothing = { ...webhook, trusted: undefined, current: [], drifted: true };
  assert.equal(bundleOf(step({ serving: undefined, webhook: nothing })), undefined);
});

test('an object that is not to be touched is not', () => {
  assert.equal(bundleOf(step({ webhook: { ...webhook, unmanagedReason: 'paused' } })), undefined);
});
