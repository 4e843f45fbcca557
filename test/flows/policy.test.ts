import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createPod, untilAnswered } from '#testkit/installation/create-pod.ts';
import { untilCopied } from '#testkit/installation/global-copy.ts';
import {
  type RunningInstallation,
  selectedLabels,
  startInstallation,
} from '#testkit/installation/running-installation.ts';
import { aTaskPod } from '#testkit/pods/task-pod.ts';

let installation: RunningInstallation;
const rulesOf = (payments: string) => [
  { name: 'payments', groups: ['payments'], namespaces: [payments] },
  { name: 'team', groups: ['team'], namespaces: ['team'] },
  { name: 'team_a', groups: ['team_a'], namespaces: ['team-a'] },
];
const shared = { 'file:shared/token': 's' };
const all = { ...shared, 'file:payments/card': 'c' };

before(async () => {
  installation = await startInstallation({
    config: { policy: { rules: rulesOf('pay-*') } },
    globals: { 'payments/card': 'c', 'shared/token': 's' },
    globalVariables: { FLYTE_SECRET_TEAM_A_TOKEN: 'of team_a', FLYTE_SECRET_TEAM_TOKEN: 'of team' },
    prepare: async ({ createNamespace }) => {
      for (const name of ['pay-prod', 'other', 'team', 'team-a']) await createNamespace(name, selectedLabels);
    },
  });
});
after(() => installation?.stop());

const aPodThatAsks = (namespace: string, group: string, key: string) =>
  aTaskPod(namespace, 'asks', [{ group, key, mount: 'ENV_VAR' }]);
const aPodThatPays = (namespace: string) => aPodThatAsks(namespace, 'payments', 'card');
const forbidden = {
  what: 'the secret to be forbidden',
  is: (answer: Awaited<ReturnType<typeof createPod>>) => !answer.admitted && answer.code === 403,
};
const admitted = { what: 'the pod to be admitted', is: (answer: { admitted: boolean }) => answer.admitted };

test('a reserved global secret is copied and given only where its rule admits', async () => {
  const { cluster } = installation;
  await untilCopied(cluster, 'pay-prod', all);
  await untilCopied(cluster, 'other', shared);
  await untilAnswered(cluster, aPodThatPays('pay-prod'), admitted);
  const denial = await untilAnswered(cluster, aPodThatPays('other'), forbidden);
  assert.ok(!denial.admitted);
  assert.match(denial.message, /rule "payments".*\[POLICY_FORBIDDEN\]/);
});

test('the variable of group team_a is neither copied nor given to those who may use group team', async () => {
  const { cluster } = installation;
  await untilCopied(cluster, 'team-a', { ...shared, 'env:TEAM_A_TOKEN': 'of team_a' });
  await untilCopied(cluster, 'team', { ...shared, 'env:TEAM_TOKEN': 'of team' });
  await untilAnswered(cluster, aPodThatAsks('team-a', 'team_a', 'token'), admitted);
  await untilAnswered(cluster, aPodThatAsks('team', 'team', 'token'), admitted);
  for (const [group, key] of [
    ['team_a', 'token'],
    ['team', 'a_token'],
    ['TEAM', 'A_Token'],
  ] as const) {
    const answer = await createPod(cluster, aPodThatAsks('team', group, key));
    assert.ok(!answer.admitted, `${group}/${key} is admitted`);
    assert.match(answer.message, /rule "team_a".*\[POLICY_FORBIDDEN\]/);
  }
});

test('a changed policy reaches the gateways without a restart of theirs, and moves the copies', async () => {
  const { cluster, gateways } = installation;
  const pids = gateways.map(({ pid }) => pid());
  await cluster.configure({ policy: { rules: rulesOf('other') } });
  await untilAnswered(cluster, aPodThatPays('pay-prod'), forbidden, 60_000);
  await untilAnswered(cluster, aPodThatPays('other'), admitted, 60_000);
  await untilCopied(cluster, 'other', all);
  await untilCopied(cluster, 'pay-prod', shared);
  assert.deepEqual(
    gateways.map(({ pid }) => pid()),
    pids,
  );
});
