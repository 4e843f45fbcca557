import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { admit } from '#shared/core/admission/admit.ts';
import { createOfflineRules, inventorySchema } from '#shared/managers/chain/offline-rules.ts';
import { generatedReview, groupOf, type PodReview, secretKey } from './generated-review.ts';

const recorded: PodReview = JSON.parse(
  await readFile(join(import.meta.dirname, '../../test/golden/review.json'), 'utf8'),
);
const { namespace } = recorded.request;
const open = createOfflineRules(latchkeyConfigSchema.parse({ chain: ['k8s'], k8s: { inventory: 'open' } }));
const closed = createOfflineRules(latchkeyConfigSchema.parse({ chain: ['k8s'] }));
const bytes = (review: PodReview): Buffer => Buffer.from(JSON.stringify(review));

for (const secrets of [1, 50, 256]) {
  test(`a review generated for ${secrets} secrets is admitted with all of them`, () => {
    const rules = open(inventorySchema.parse({}), namespace);
    const admission = admit(bytes(generatedReview(recorded, { secrets })), rules);
    assert.equal(admission.outcome, 'injected', JSON.stringify(admission.response));
    assert.equal(admission.secrets.length, secrets);
  });
}

test('a review generated for 100 containers has the secrets in each', () => {
  const rules = open(inventorySchema.parse({}), namespace);
  const { patch } = admit(bytes(generatedReview(recorded, { secrets: 2, containers: 100 })), rules);
  const containers = new Set(patch.flatMap(({ path }) => /^\/spec\/containers\/\d+/.exec(path) ?? []));
  assert.equal(containers.size, 100);
});

test('what it asks for is in an inventory of the groups and the key that are told', () => {
  const k8s = { [namespace]: { [groupOf(0)]: [secretKey], [groupOf(1)]: [secretKey] } };
  const rules = closed(inventorySchema.parse({ k8s }), namespace);
  const outcomeOf = (prefix?: string) =>
    admit(bytes(generatedReview(recorded, { secrets: 2, ...(prefix ? { prefix } : {}) })), rules).outcome;
  assert.equal(outcomeOf(), 'injected');
  assert.equal(outcomeOf('other'), 'denied');
});

test('the recorded review stays as it is', () => {
  const before = JSON.stringify(recorded);
  generatedReview(recorded, { secrets: 3, containers: 2 });
  assert.equal(JSON.stringify(recorded), before);
});
