import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordKey } from '#shared/contracts/bus/bucket.ts';
import { k8sManager } from '#shared/managers/shipped/k8s.ts';
import { defaultConfig } from '#testkit/installation/default-config.ts';
import { aPod, aReview, bytesOf, someRules } from '#testkit/pods/a-pod.ts';
import { admit } from './admit.ts';

/** What the author of a task that asks for a Secret's key gets. */
function answerTo(group: string, rules: ReturnType<typeof someRules>): string {
  const { response } = admit(bytesOf(aReview(aPod({ asks: [{ group, key: 'k' }] }))), rules);
  assert.ok('response' in response);
  return response.response.status?.message ?? 'admitted';
}
const aSecret = (secret: string, leftOut: boolean) => ({
  schema: 1 as const,
  source: 'k8s',
  namespace: 'ns',
  secret,
  keys: [],
  version: '1',
  ...(leftOut ? { leftOut } : {}),
});
const chain = ['k8s', 'global'];

test('an author who asks for a Secret with too many keys is told so, and no manager behind serves it instead', () => {
  const rules = someRules({ chain }, { global: { files: { 'big/k': 'v' } }, k8s: { ns: { db: ['k'] } } });
  const rule = k8sManager.entry(aSecret('big', true), defaultConfig);
  const key: RecordKey = { owner: 'k8s', kind: 'entry', namespace: 'ns', secret: 'big' };
  assert.deepEqual(rules.index.apply('k8s', [{ key, value: rule?.entry }]), []);
  assert.match(
    answerTo('big', rules),
    /"big\/k" .*: secret manager k8s leaves this Secret out, for it has too many keys\. Spread .* limits\.keysPerSecret .*\[RULES_UNKNOWN\]$/,
  );
  assert.equal(answerTo('db', rules), 'admitted');
});

test('an author in a namespace that is too large is told that the Secret may be left out, not that there is none', () => {
  const rules = someRules({ chain: ['k8s'] }, { k8s: { ns: { db: ['k'] } } });
  const key: RecordKey = { owner: 'k8s', kind: 'namespace', namespace: 'ns' };
  rules.index.apply('k8s', [{ key, value: { schema: 1, namespace: 'ns', partial: true } }]);
  assert.match(
    answerTo('new', rules),
    /leaves some Secrets of namespace "ns" out.* limits\.namespaceKiB .*\[RULES_UNKNOWN\]$/,
  );
  assert.equal(answerTo('db', rules), 'admitted');
});
