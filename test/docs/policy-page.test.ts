import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { admit } from '#shared/core/admission/admit.ts';
import { managers } from '#shared/managers/shipped/managers.ts';
import { anAnnotation, aPod, aReview, bytesOf, someRules } from '#testkit/pods/a-pod.ts';

const page = await readFile(join(import.meta.dirname, '../../docs/policy.md'), 'utf8');
const [reserving, denying] = Array.from(page.matchAll(/```yaml\n(.*?)```/gs), ([, text = '']): object =>
  parse(text),
);

interface Asked {
  namespace: string;
  group: string;
  mount?: number;
  metadata?: object;
  spec?: object;
}

/** What a pod is told about `group/key`: the line of the policy that allowed it, or the code. */
function ask(config: object | undefined, { namespace, group, mount = 1, ...pod }: Asked): string | undefined {
  const inventory = { global: { files: { 'wandb/key': 'v' } }, k8s: { [namespace]: {} } };
  const rules = someRules({ ...config, k8s: { inventory: 'open' } }, inventory, namespace);
  const asks = { group, key: 'key', mountRequirement: mount };
  const { secrets, code } = admit(bytesOf(aReview(aPod({ asks: [asks], ...pod }), { namespace })), rules);
  return code ?? secrets[0]?.policy;
}

test('the first example reserves what it names and leaves the rest', () => {
  assert.equal(ask(reserving, { namespace: 'payments-eu', group: 'payments' }), 'rule "payments"');
  assert.equal(ask(reserving, { namespace: 'ml-dev', group: 'payments' }), 'POLICY_FORBIDDEN');
  assert.equal(ask(reserving, { namespace: 'ml-dev', group: 'db' }), 'default allow');
  const warehouse = { namespace: 'a', group: 'secret/warehouse', mount: 2 };
  const spec = { containers: [], serviceAccountName: 'etl' };
  const annotations = { 'flyte.secrets/s0': anAnnotation({ group: warehouse.group, key: 'key' }) };
  const labels = { 'inject-flyte-secrets': 'true', project: 'analytics', domain: 'production' };
  const vault = { ...reserving, chain: ['vault'] };
  const metadata = { labels, annotations };
  assert.equal(ask(vault, { ...warehouse, spec, metadata }), 'rule "warehouse-in-production"');
  assert.equal(ask(vault, { ...warehouse, metadata }), 'POLICY_FORBIDDEN');
  assert.equal(ask(vault, { ...warehouse, spec }), 'POLICY_FORBIDDEN');
});

test('the first example reserves the warehouse in both spellings of a kv2 path', () => {
  const labels = { 'inject-flyte-secrets': 'true', project: 'analytics', domain: 'production' };
  for (const group of ['secret/warehouse', 'secret/data/warehouse']) {
    const annotations = { 'flyte.secrets/s0': anAnnotation({ group, key: 'key' }) };
    const asked = { namespace: 'a', group, mount: 2, metadata: { labels, annotations } };
    const spec = { containers: [], serviceAccountName: 'etl' };
    const vault = { ...reserving, chain: ['vault'] };
    assert.equal(ask(vault, { ...asked, spec }), 'rule "warehouse-in-production"');
    assert.equal(ask(vault, asked), 'POLICY_FORBIDDEN');
  }
});

test('the second example gives out what it names and nothing else', () => {
  assert.equal(ask(denying, { namespace: 'ml-dev', group: 'wandb' }), 'rule "shared-with-ml"');
  assert.equal(ask(denying, { namespace: 'other', group: 'wandb' }), 'rule "own-secrets"');
  assert.equal(
    ask({ ...denying, chain: ['global'] }, { namespace: 'other', group: 'wandb' }),
    'POLICY_FORBIDDEN',
  );
  assert.equal(
    ask({ ...denying, chain: ['aws'] }, { namespace: 'ml-dev', group: 'wandb', mount: 2 }),
    'POLICY_FORBIDDEN',
  );
});

test('the page says of each manager how a secret is looked up', () => {
  const table = /^\| manager .*\n(?:\|.*\n)+/m.exec(page)?.[0] ?? '';
  const rows = Array.from(table.matchAll(/^\| `([a-z0-9]+)` /gm), ([, name]) => name);
  assert.deepEqual(rows.toSorted(), [...managers.keys()].sort());
});

test('what the page says of the variable of team_a holds', () => {
  const team = { name: 'team', groups: ['team'], namespaces: ['t'] };
  const teamA = { name: 'team_a', groups: ['team_a'], namespaces: ['a'] };
  const told = (rules: object[], namespace: string, group: string, key: string): string | undefined => {
    const config = { chain: ['global'], policy: { default: 'deny', rules } };
    const inventory = { global: { env: { FLYTE_SECRET_TEAM_A_TOKEN: 'v' } } };
    const pod = aPod({ asks: [{ group, key, mountRequirement: 1 }] });
    const answer = admit(bytesOf(aReview(pod, { namespace })), someRules(config, inventory, namespace));
    return answer.code ?? answer.secrets[0]?.policy;
  };
  assert.equal(told([team, teamA], 'a', 'team_a', 'token'), 'rule "team_a"');
  assert.equal(told([team, teamA], 't', 'team_a', 'token'), 'POLICY_FORBIDDEN');
  assert.equal(told([team, teamA], 't', 'team', 'a_token'), 'POLICY_FORBIDDEN');
  assert.equal(told([team], 't', 'team_a', 'token'), 'POLICY_FORBIDDEN');
  assert.equal(told([team], 't', 'team', 'a_token'), 'rule "team"');
});
