import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { createPod, type PodAnswer, untilAnswered, variablesOf } from '#testkit/installation/create-pod.ts';
import {
  type RunningInstallation,
  selectedLabels,
  startInstallation,
} from '#testkit/installation/running-installation.ts';
import { type AskedSecret, aTaskPod } from '#testkit/pods/task-pod.ts';

/** Every manager that latchkey ships, as processes on a cluster that enforces the restricted Pod Security level. */
let installation: RunningInstallation;
const namespace = 'flytesnacks-development';
const chain = ['global', 'k8s', 'azure', 'gcp', 'vault', 'aws'];
const securityContext = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};
const secured = { securityContext };

before(async () => {
  installation = await startInstallation({
    gateways: 2,
    managers: ['aws', 'gcp', 'azure', 'vault'],
    config: { chain, aws: secured, gcp: secured, azure: secured },
    globals: { 'team/token': 'a-global-value' },
    prepare: async ({ createNamespace, harness }) => {
      await createNamespace(namespace, {
        ...selectedLabels,
        'pod-security.kubernetes.io/enforce': 'restricted',
      });
      await harness.core.createNamespacedSecret({
        namespace,
        body: { metadata: { name: 'db' }, stringData: { password: 'p' } },
      });
    },
  });
});
after(() => installation?.stop());

const common: AskedSecret[] = [
  { group: 'team', key: 'token', envVar: 'TOKEN' },
  { group: 'db', key: 'password', mount: 'FILE', envVar: 'PASSWORD' },
];
const pulled: AskedSecret[] = [
  { group: 'https://v.vault.azure.net/secrets/x', key: '', groupVersion: '3', envVar: 'AZURE' },
  { group: 'projects/1/secrets/y', key: '', groupVersion: '7', envVar: 'GCP' },
  { group: 'arn:aws:secretsmanager:eu-west-1:1:secret:', key: 'z-AbCdEf', envVar: 'AWS' },
];
const fromVault: AskedSecret[] = [{ group: 'secret/data/a', key: 'api-key', envVar: 'VAULT' }];

const pullContainers = ['azure-pull-secret-0', 'gcp-pull-secret-1', 'aws-pull-secret-2'];

/** A task pod that the restricted level accepts as it is; `vault` is asked in one pod, those that pull in another. */
function restrictedPod(name: string, secrets: readonly AskedSecret[]): V1Pod {
  const pod = aTaskPod(namespace, name, [...common, ...secrets]);
  for (const container of pod.spec?.containers ?? []) container.securityContext = securityContext;
  return pod;
}

const isAdmitted = { what: 'the pod to be admitted', is: ({ admitted }: PodAnswer) => admitted };

test('a secret of each manager reaches the task, in one chain', async () => {
  const { cluster } = installation;
  await untilAnswered(cluster, restrictedPod('pulls', pulled), isAdmitted);
  const [pulls, asksVault] = await Promise.all([
    createPod(cluster, restrictedPod('pulls', pulled)),
    createPod(cluster, restrictedPod('asks-vault', fromVault)),
  ]);
  assert.ok(pulls.admitted && asksVault.admitted);
  const files = (pod: V1Pod): Record<string, string> =>
    Object.fromEntries(
      Object.entries(variablesOf(pod)).filter(([, value]) => value.startsWith('/etc/flyte')),
    );
  assert.deepEqual(files(pulls.pod), {
    PASSWORD: '/etc/flyte/secrets/db/password',
    AZURE: '/etc/flyte/secrets/x/3',
    GCP: '/etc/flyte/secrets/projects/1/secrets/y/7',
    AWS: '/etc/flyte/secrets/arn:aws:secretsmanager:eu-west-1:1:secret:/z-abcdef',
    FLYTE_SECRETS_DEFAULT_DIR: '/etc/flyte/secrets',
  });
  const containers = pulls.pod.spec?.initContainers ?? [];
  assert.deepEqual(
    containers.map(({ name }) => name),
    pullContainers,
  );
  for (const container of containers) {
    assert.deepEqual(JSON.parse(JSON.stringify(container.securityContext)), securityContext);
  }
  assert.equal(variablesOf(asksVault.pod).VAULT, '/etc/flyte/secrets/secret/data/a/api-key');
  const annotations = asksVault.pod.metadata?.annotations ?? {};
  assert.equal(annotations['vault.hashicorp.com/agent-inject'], 'true');
  assert.ok(
    Object.values(annotations).includes(
      '{{- with secret "secret/data/a" -}}{{ index .Data.data "api-key" }}{{- end -}}',
    ),
  );
  for (const { pod } of [pulls, asksVault]) {
    assert.match(variablesOf(pod).TOKEN ?? '', /^latchkey-global-/);
  }
});

test('files of Vault and of a manager that pulls cannot be in one pod', async () => {
  const answer = await createPod(installation.cluster, restrictedPod('both', [...pulled, ...fromVault]));
  assert.deepEqual(answer.admitted ? 0 : answer.code, 400);
});

test('with a securityContext 200 of 200 pods that ask all managers are admitted at the restricted level', async (t) => {
  const { cluster } = installation;
  const answers: PodAnswer[] = [];
  const numbers = Array.from({ length: 200 }, (_, number) => number).values();
  const creating = async (): Promise<void> => {
    for (const number of numbers) {
      const secrets = number % 2 === 0 ? fromVault : pulled;
      answers.push(await createPod(cluster, restrictedPod(`task-${number}`, secrets)));
    }
  };
  const startedAtMs = performance.now();
  await Promise.all(Array.from({ length: 8 }, creating));
  t.diagnostic(`200 pods in ${Math.round(performance.now() - startedAtMs)} ms`);
  assert.deepEqual(
    answers.filter(({ admitted }) => !admitted),
    [],
  );
  assert.equal(answers.length, 200);
});

test('with the pull containers as Flyte has them Pod Security refuses the pod, and one without them it admits', async () => {
  const { cluster } = installation;
  await cluster.configure({ chain });
  const pod = restrictedPod('careless', pulled);
  // The resolvers begin again one by one.
  await untilAnswered(cluster, pod, {
    what: 'Pod Security to refuse all pull containers',
    is: (last) =>
      !last.admitted &&
      last.code === 403 &&
      last.message.includes('violates PodSecurity "restricted') &&
      pullContainers.every((name) => last.message.includes(name)),
  });
  await untilAnswered(cluster, restrictedPod('asks-vault-again', fromVault), isAdmitted);
});
