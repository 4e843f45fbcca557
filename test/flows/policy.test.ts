import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type createPod, untilAnswered } from '#testkit/installation/admission.ts';
import { untilCopied } from '#testkit/installation/global-copy.ts';
import {
  type RunningInstallation,
  selectedLabels,
  startInstallation,
} from '#testkit/installation/running-installation.ts';
import { aTaskPod } from '#testkit/pods/task-pod.ts';

let installation: RunningInstallation;
const policy = { rules: [{ name: 'payments', groups: ['payments'], namespaces: ['pay-*'] }] };
const shared = { 'file:shared/token': 's' };
const all = { ...shared, 'file:payments/card': 'c' };

before(async () => {
  installation = await startInstallation({
    config: { policy },
    globals: { 'payments/card': 'c', 'shared/token': 's' },
    prepare: async ({ createNamespace }) => {
      await createNamespace('pay-prod', selectedLabels);
      await createNamespace('other', selectedLabels);
    },
  });
});
after(() => installation?.stop());

const aPodThatPays = (namespace: string) =>
  aTaskPod(namespace, 'pays', [{ group: 'payments', key: 'card', mount: 'ENV_VAR' }]);
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

test('a changed policy reaches the gateways without a restart of theirs, and moves the copies', async () => {
  const { cluster, gateways } = installation;
  const pids = gateways.map(({ pid }) => pid());
  await cluster.configure({
    policy: { rules: [{ ...policy.rules[0], name: 'payments', namespaces: ['other'] }] },
  });
  await untilAnswered(cluster, aPodThatPays('pay-prod'), forbidden, 60_000);
  await untilAnswered(cluster, aPodThatPays('other'), admitted, 60_000);
  await untilCopied(cluster, 'other', all);
  await untilCopied(cluster, 'pay-prod', shared);
  assert.deepEqual(
    gateways.map(({ pid }) => pid()),
    pids,
  );
});
