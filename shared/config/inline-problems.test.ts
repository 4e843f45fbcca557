import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { inlineProblems } from './inline-problems.ts';

test('inline delivery to just anybody is refused', () => {
  const problems = (webhook: object, accepted: object): string[] =>
    inlineProblems(latchkeyConfigSchema.parse({ global: { delivery: 'inline', ...accepted }, webhook }));
  assert.match(problems({}, {})[0] ?? '', /^global\.delivery.*webhook\.clientCa/);
  assert.deepEqual(problems({ clientCa: '/ca.crt' }, {}), []);
  assert.deepEqual(problems({}, { acceptNetworkPolicyOnly: true }), []);
});
