import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { admit } from '#shared/core/admission/admit.ts';
import { PlanMemo } from '#shared/core/admission/plan-memo.ts';
import { createOfflineRules, inventorySchema } from '#shared/managers/chain/offline-rules.ts';
import { peerBodies } from './peer-bodies.ts';

const bodies = await peerBodies();
const config = latchkeyConfigSchema.parse({ chain: ['k8s'], k8s: { inventory: 'open' } });
const rules = createOfflineRules(config)(inventorySchema.parse({}), 'flyte');

for (const { name, reviews } of bodies) {
  test(`every review of "${name}" is admitted with a patch`, () => {
    for (const review of [reviews[0], reviews.at(-1)]) {
      const { outcome, patch } = admit(Buffer.from(review ?? ''), rules);
      assert.equal(outcome, 'injected');
      assert.notEqual(patch.length, 0);
    }
  });
}

test('of reviews that are all different no plan is remembered, in the second turn either', () => {
  const different = bodies.at(-1)?.reviews ?? [];
  const memo = new PlanMemo();
  for (const review of [...different, ...different.slice(0, 50)])
    admit(Buffer.from(review), rules, { plan: memo.plan });
  assert.equal(memo.hits, 0);
});
