import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admitReview } from '#shared/core/admission/admit.ts';
import { aPod, aReview, someRules } from '#testkit/pods/a-pod.ts';

const vaultUri = 'https://v.vault.azure.net';

test('a secret of Azure that a rule keeps cannot be had by its name in group_version', () => {
  const policy = { rules: [{ name: 'pay', groups: [`${vaultUri}/secrets/db`], namespaces: ['payments'] }] };
  const ask = (group: string, groupVersion = '') =>
    admitReview(aReview(aPod({ asks: [{ group, groupVersion }] })), someRules({ chain: ['azure'], policy }));
  for (const kind of ['secrets', 'certificates', 'keys', 'Secrets', 'anything']) {
    for (const end of ['', '/']) {
      const { code, response } = ask(`${vaultUri}/${kind}${end}`, 'db');
      assert.equal(code, 'NAME_IMPOSSIBLE', kind);
      assert.match(JSON.stringify(response), /must have at least 2 parts behind the host/);
    }
    for (const group of [
      `${vaultUri}/${kind}/db`,
      `${vaultUri}/${kind}/db/`,
      `${vaultUri}/${kind}/DB/0123`,
    ]) {
      for (const version of ['', '0123', 'x'])
        assert.equal(ask(group, version).code, 'POLICY_FORBIDDEN', group);
    }
    for (const odd of ['?db', '/?db', '//db', '%2Fdb', '#db', '/./db', '/../secrets/db']) {
      assert.equal(ask(`${vaultUri}/${kind}${odd}`, '0123').code, 'NAME_IMPOSSIBLE', odd);
    }
  }
  assert.equal(ask(`${vaultUri}/secrets/other`, '0123').outcome, 'injected');
});

test('a field of a Vault path that a rule keeps cannot be had by a request that writes every field', () => {
  const outcomes = (policy: object, kvVersion: string, more: object = {}) =>
    ['db', 'kv1', 'kv2', '', 'x'].map((groupVersion) => {
      const ask = { group: 'secret/warehouse', key: 'data', groupVersion, ...more };
      const rules = someRules({ chain: ['vault'], vault: { kvVersion }, policy });
      const { outcome, code } = admitReview(aReview(aPod({ asks: [ask] })), rules);
      return code === 'POLICY_FORBIDDEN' ? 'no' : outcome === 'injected' ? 'yes' : assert.fail(`${code}`);
    });
  const [kv2, kv1] = [
    ['no', 'no', 'yes', 'yes', 'yes'],
    ['no', 'no', 'yes', 'no', 'no'],
  ];
  const rule = (keys: string[] | undefined, namespace: string, group = 'secret/warehouse') => ({
    name: `${keys?.[0] ?? 'any'}-${namespace.length}-${group.length}`,
    groups: [group],
    ...(keys && { keys }),
    namespaces: [namespace],
  });
  for (const group of ['secret/warehouse', 'secret/data/warehouse', 'secret/*']) {
    const keeps = { rules: [rule(['password'], 'payments', group)] };
    assert.deepEqual([outcomes(keeps, '2'), outcomes(keeps, '1')], [kv2, kv1], group);
    const gives = { default: 'deny', rules: [rule(['data', 'd*', '????', 'metadata'], 'ns', group)] };
    assert.deepEqual([outcomes(gives, '2'), outcomes(gives, '1')], [kv2, kv1], group);
    const all = { default: 'deny', rules: [rule(undefined, 'ns', group), rule(['password'], 'payments')] };
    const isOther = group === 'secret/data/warehouse';
    if (!isOther) assert.deepEqual(outcomes(all, '2'), ['yes', 'yes', 'yes', 'yes', 'yes'], group);
  }
  const apart = {
    rules: [rule(['password'], 'payments', 'secret/warehouse/below'), rule(['x'], 'payments', 'secret/ware')],
  };
  assert.deepEqual(outcomes(apart, '1'), ['yes', 'yes', 'yes', 'yes', 'yes']);
  const both = { rules: [rule(['password'], 'ns'), rule(['user'], 'payments')] };
  assert.equal(outcomes(both, '2')[0], 'no');
  assert.equal(outcomes({ rules: [rule(['password'], 'ns'), rule(['user'], 'n*')] }, '2')[0], 'yes');
});
