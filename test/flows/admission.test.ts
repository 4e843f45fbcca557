import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createPod, filesOf, untilAnswered, variablesOf } from '#testkit/installation/create-pod.ts';
import {
  type RunningInstallation,
  selectedLabels,
  startInstallation,
} from '#testkit/installation/running-installation.ts';
import { aTaskPod } from '#testkit/pods/task-pod.ts';

let installation: RunningInstallation;
const namespace = 'flytesnacks-development';

before(async () => {
  installation = await startInstallation({ gateways: 3, globals: { 'team/token': 'a-global-value' } });
  await installation.cluster.createNamespace(namespace, selectedLabels);
});
after(() => installation?.stop());

const createSecret = (name: string, data: Record<string, string>): Promise<unknown> =>
  installation.cluster.kubernetes.core.createNamespacedSecret({
    namespace,
    body: { metadata: { name }, stringData: data },
  });
const deleteSecret = (name: string): Promise<unknown> =>
  installation.cluster.kubernetes.core.deleteNamespacedSecret({ namespace, name });

test('a task gets a Kubernetes secret as a variable and as a file, and a global secret by reference', async () => {
  const { cluster } = installation;
  await createSecret('db-creds', { password: 'p', 'ca.crt': 'c' });
  const pod = aTaskPod(namespace, 'main-job', [
    { group: 'db-creds', key: 'password', mount: 'ENV_VAR', envVar: 'DB_PASSWORD' },
    { group: 'db-creds', key: 'ca.crt', mount: 'FILE' },
    { group: 'team', key: 'token', mount: 'ENV_VAR' },
  ]);
  await untilAnswered(cluster, pod, { what: 'the pod to be admitted', is: ({ admitted }) => admitted });
  const answer = await createPod(cluster, pod);
  assert.ok(answer.admitted);
  const variables = variablesOf(answer.pod);
  assert.equal(variables['_FSEC_DB-CREDS_PASSWORD'], 'db-creds/password');
  assert.equal(variables.DB_PASSWORD, 'db-creds/password');
  assert.deepEqual(filesOf(answer.pod), { '/etc/flyte/secrets/db-creds/ca.crt': 'db-creds/ca.crt' });
  const [copyName = '', copyKey = ''] = (variables._FSEC_TEAM_TOKEN ?? '').split('/');
  const copy = await cluster.kubernetes.core.readNamespacedSecret({ namespace, name: copyName });
  assert.equal(Buffer.from(copy.data?.[copyKey] ?? '', 'base64').toString(), 'a-global-value');
});

test('a task that asks for nothing is admitted as it is', async () => {
  const answer = await createPod(installation.cluster, aTaskPod(namespace, 'asks-nothing', []));
  assert.ok(answer.admitted);
  assert.equal(answer.pod.metadata?.annotations?.['latchkey.dev/injected'], undefined);
});

test('a missing secret is denied with a reason for its author, and admitted once it exists', async () => {
  const { cluster } = installation;
  const pod = aTaskPod(namespace, 'too-early', [{ group: 'late', key: 'key' }]);
  // A gateway that does not know the namespace yet says 503 first.
  const denial = await untilAnswered(cluster, pod, {
    what: 'the pod to be denied',
    is: (answer) => !answer.admitted && answer.code === 404,
  });
  assert.ok(!denial.admitted);
  for (const part of ['late', 'key', namespace]) assert.match(denial.message, new RegExp(part));
  await createSecret('late', { key: 'v' });
  await untilAnswered(cluster, pod, { what: 'the pod to be admitted', is: ({ admitted }) => admitted });
  await deleteSecret('late');
  await untilAnswered(cluster, pod, {
    what: 'the pod to be denied again',
    is: (answer) => !answer.admitted && answer.code === 404,
  });
});

test('a name that no manager could ever serve is denied for good', async () => {
  const denial = await createPod(
    installation.cluster,
    aTaskPod(namespace, 'bad', [{ group: 'team', key: '../token' }]),
  );
  assert.ok(!denial.admitted);
  assert.equal(denial.code, 400);
});

test('a namespace that is not selected is answered with 503, not with "not found"', async () => {
  const { cluster } = installation;
  await cluster.createNamespace('stranger');
  const denial = await createPod(cluster, aTaskPod('stranger', 'p', [{ group: 'any', key: 'k' }]));
  assert.ok(!denial.admitted);
  assert.equal(denial.code, 503);
});

test('every gateway replica answers alike', async () => {
  const { cluster } = installation;
  const pod = aTaskPod(namespace, 'alike', [{ group: 'db-creds', key: 'password', mount: 'FILE' }]);
  const answers = new Set<string>();
  for (let connection = 0; connection < 12; connection += 1) {
    const answer = await createPod(cluster, pod, { dryRun: true });
    assert.ok(answer.admitted);
    answers.add(JSON.stringify([answer.pod.spec, answer.pod.metadata?.annotations]));
  }
  assert.equal(answers.size, 1);
});
