import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createPod, untilAnswered } from '#testkit/installation/admission.ts';
import { untilCopied } from '#testkit/installation/global-copy.ts';
import {
  type RunningInstallation,
  selectedLabels,
  startInstallation,
} from '#testkit/installation/running-installation.ts';
import { aTaskPod } from '#testkit/pods/task-pod.ts';

let installation: RunningInstallation;

before(async () => {
  installation = await startInstallation({
    config: {
      policy: {
        rules: [
          { name: 'team', groups: ['team'], namespaces: ['team'] },
          { name: 'team_a', groups: ['team_a'], namespaces: ['team-a'] },
        ],
      },
    },
    globalVariables: { FLYTE_SECRET_TEAM_A_TOKEN: 'of team_a', FLYTE_SECRET_TEAM_TOKEN: 'of team' },
    prepare: async ({ createNamespace }) => {
      await createNamespace('team', selectedLabels);
      await createNamespace('team-a', selectedLabels);
    },
  });
});
after(() => installation?.stop());

const aPodThatAsks = (namespace: string, group: string, key: string) =>
  aTaskPod(namespace, 'asks', [{ group, key, mount: 'ENV_VAR' }]);
const admitted = { what: 'the pod to be admitted', is: (answer: { admitted: boolean }) => answer.admitted };

test('the variable of group team_a is neither copied nor given to those who may use group team', async () => {
  const { cluster } = installation;
  await untilCopied(cluster, 'team-a', { 'env:TEAM_A_TOKEN': 'of team_a' });
  await untilCopied(cluster, 'team', { 'env:TEAM_TOKEN': 'of team' });
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
