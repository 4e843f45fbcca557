import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { createOfflineRules, inventorySchema } from '#shared/managers/chain/offline-rules.ts';
import { decisionParts } from './decision-parts.ts';

const body = await readFile(join(import.meta.dirname, '../../test/golden/review.json'));
const { namespace } = JSON.parse(body.toString('utf8')).request;
const rulesOf = (k8s: object) =>
  createOfflineRules(latchkeyConfigSchema.parse({ chain: ['k8s'], k8s }))(
    inventorySchema.parse({ k8s: { [namespace]: {} } }),
    namespace,
  );

test('the parts together write what the whole decision writes, remembered or not', () => {
  const parts = decisionParts(body, rulesOf({ inventory: 'open' }));
  const answer = parts.answer?.();
  assert.match(String(answer), /"patch":"/);
  assert.equal(parts['all, cold']?.(), answer);
  assert.equal(parts['all, remembered']?.(), answer);
  assert.equal(parts['all, remembered']?.(), answer);
});

test('a remembered plan is the very plan that was made', () => {
  const parts = decisionParts(body, rulesOf({ inventory: 'open' }));
  assert.equal(parts['plan, remembered']?.(), parts['plan, remembered']?.());
  assert.notEqual(parts['plan, cold']?.(), parts['plan, cold']?.());
});

test('a review that is denied is not measured', () => {
  assert.throws(() => decisionParts(body, rulesOf({ inventory: 'closed' })), /the review is denied/);
});
