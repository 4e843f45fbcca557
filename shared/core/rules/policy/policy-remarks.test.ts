import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policySchema } from '#shared/contracts/config/policy.ts';
import { policyRemarks } from './policy-remarks.ts';

test('a rule that admits by service accounts or labels and names no namespace is remarked on', () => {
  const policy = policySchema.parse({
    rules: [
      { name: 'accounts', groups: ['a'], serviceAccounts: ['etl'] },
      { name: 'labels', groups: ['b'], projects: ['p'] },
      { name: 'walled', groups: ['c'], serviceAccounts: ['etl'], namespaces: ['n'] },
      { name: 'anybody', groups: ['d'] },
    ],
  });
  const remarks = policyRemarks(policy);
  assert.deepEqual(
    remarks.map(({ rule }) => rule),
    ['accounts', 'labels'],
  );
  assert.match(remarks[0]?.remark ?? '', /in every namespace/);
});
