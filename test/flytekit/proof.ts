import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { createPod, untilAnswered } from '#testkit/installation/create-pod.ts';
import {
  type RunningInstallation,
  selectedLabels,
  startInstallation,
} from '#testkit/installation/running-installation.ts';
import { type AskedSecret, aTaskPod } from '#testkit/pods/task-pod.ts';
import { requireMountNamespace } from '#testkit/processes/mount-namespace.ts';
import { pythonEnvironmentWith } from '#testkit/processes/python-environment.ts';
import { type Reading, readInContainer } from './task-container.ts';

const flytekit = { name: 'flytekit', version: '1.16.31', requirements: ['flytekit==1.16.31'] };
const namespace = 'flytesnacks-development';
const longGroup = `${'a-long-group-name.'.repeat(8)}end`;
const large = (seed: string) => `${seed}\n${'0123456789abcdef'.repeat(18_750)}`;

/** Everything that is stored: `group/key` -> value. What flytekit strips off is not part of these. */
const globals: Record<string, string> = {
  'platform/token': 'a global value with "quotes", $(HOME), $HOME and ünïcode',
  'platform/certificate': large('a global file over 256 KiB'),
};
const kubernetesSecrets: Record<string, Record<string, string>> = {
  'db-creds': { password: 'p4ss $(HOME) \\ "x" ünïcode', 'ca.crt': 'line one\nline two', API_KEY: 'upper' },
  'large-file': { model: large('a file over 256 KiB') },
  'large-variable': { text: 'v'.repeat(100_000) },
  'two-versions': { key: 'the same key twice' },
  [longGroup]: { key: 'of a group with a long name' },
};
const stored = ({ group, key }: AskedSecret): string =>
  globals[`${group}/${key}`] ?? kubernetesSecrets[group]?.[key] ?? assert.fail(`${group}/${key}`);

let installation: RunningInstallation;
let python: string;

before(async () => {
  requireMountNamespace();
  python = await pythonEnvironmentWith(flytekit, process.env);
  installation = await startInstallation({ globals });
  const { cluster } = installation;
  await cluster.createNamespace(namespace, selectedLabels);
  for (const [name, stringData] of Object.entries(kubernetesSecrets)) {
    const body = { metadata: { name }, stringData };
    await cluster.kubernetes.core.createNamespacedSecret({ namespace, body });
  }
});
after(() => installation?.stop());

/** Creates the pod as soon as its secrets are known; returns it as the API server stored it. */
async function admitted(pod: V1Pod): Promise<V1Pod> {
  const { cluster } = installation;
  await untilAnswered(cluster, pod, { what: 'the pod to be admitted', is: ({ admitted }) => admitted });
  const answer = await createPod(cluster, pod);
  assert.ok(answer.admitted);
  return answer.pod;
}

/** Every container of a pod that asks for these secrets has to read each value as it is stored. */
async function readAll(name: string, asked: readonly AskedSecret[], initContainers: V1Container[] = []) {
  const task = aTaskPod(namespace, name, asked);
  const pod = await admitted({ ...task, spec: { containers: [], ...task.spec, initContainers } });
  const { harness, folder } = installation.cluster;
  const { items } = await harness.core.listNamespacedSecret({ namespace });
  const secrets = new Map(items.map((secret) => [secret.metadata?.name ?? '', secret]));
  let readings: Reading[] = [];
  for (const container of [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]) {
    readings = await readInContainer({ pod, container, secrets, python, folder, asked });
    assert.equal(readings.length, asked.length);
    for (const [index, secret] of asked.entries()) {
      const what = `${container.name} reads ${JSON.stringify(secret)}`;
      assert.equal(readings[index]?.value === stored(secret), true, what);
    }
  }
  return readings;
}

const contentOf = ({ file }: Reading): string => Buffer.from(file ?? '', 'base64').toString('utf8');

test('ENV_VAR: from a Kubernetes Secret and from a global one, by reference', async () => {
  const readings = await readAll('env', [
    { group: 'db-creds', key: 'password', mount: 'ENV_VAR' },
    { group: 'db-creds', key: 'API_KEY', mount: 'ENV_VAR' },
    { group: 'large-variable', key: 'text', mount: 'ENV_VAR' },
    { group: 'platform', key: 'token', mount: 'ENV_VAR' },
  ]);
  for (const { file } of readings) assert.equal(file, null);
});

test('FILE: from a Kubernetes Secret and from a global one, also over 256 KiB', async () => {
  const asked: AskedSecret[] = [
    { group: 'db-creds', key: 'ca.crt', mount: 'FILE' },
    { group: 'db-creds', key: 'API_KEY', mount: 'FILE' },
    { group: 'large-file', key: 'model', mount: 'FILE' },
    { group: 'platform', key: 'token', mount: 'FILE' },
    { group: 'platform', key: 'certificate', mount: 'FILE' },
    { group: longGroup, key: 'key', mount: 'FILE' },
  ];
  const readings = await readAll('file', asked);
  for (const [index, secret] of asked.entries()) {
    const reading = readings[index] ?? assert.fail();
    assert.equal(reading.path, `/etc/flyte/secrets/${secret.group}/${secret.key.toLowerCase()}`);
    assert.equal(contentOf(reading) === stored(secret), true, reading.path);
  }
  assert.ok(readings.filter((reading) => contentOf(reading).length > 256 * 1024).length === 2);
});

test('ANY: a file for a Kubernetes Secret, a variable for a global one', async () => {
  const [kubernetes, global] = await readAll('any', [
    { group: 'db-creds', key: 'password', mount: 'ANY' },
    { group: 'platform', key: 'token', mount: 'ANY' },
  ]);
  assert.ok(kubernetes?.file && global?.file === null);
});

test('env_var: the value, or the path of the file, under the name that the task gave', async () => {
  const [password, certificate, token] = await readAll('env-var', [
    { group: 'db-creds', key: 'password', mount: 'ENV_VAR', envVar: 'DB_PASSWORD' },
    { group: 'db-creds', key: 'ca.crt', mount: 'FILE', envVar: 'DB_CA' },
    { group: 'platform', key: 'token', mount: 'ENV_VAR', envVar: 'PLATFORM_TOKEN' },
  ]);
  assert.equal(password?.variable, password?.value);
  assert.equal(certificate?.variable, certificate?.path);
  assert.equal(token?.variable, token?.value);
});

test('group_version: read under the versioned name, two versions of one group as files too', async () => {
  await readAll('versions', [
    { group: 'db-creds', key: 'password', groupVersion: 'v2', mount: 'ENV_VAR' },
    { group: 'db-creds', key: 'ca.crt', groupVersion: 'v2', mount: 'FILE' },
    { group: 'two-versions', key: 'key', groupVersion: 'v1', mount: 'FILE' },
    { group: 'two-versions', key: 'key', groupVersion: 'v2', mount: 'FILE' },
    { group: 'platform', key: 'token', groupVersion: 'v3', mount: 'ENV_VAR' },
    { group: 'platform', key: 'certificate', groupVersion: 'v3', mount: 'FILE' },
  ]);
});

test('all of it in one pod, in its init containers too', async () => {
  const asked: AskedSecret[] = Object.entries(kubernetesSecrets).flatMap(([group, data]) =>
    Object.keys(data).map((key): AskedSecret => ({ group, key, mount: key === 'text' ? 'ENV_VAR' : 'FILE' })),
  );
  const global: AskedSecret[] = [
    { group: 'platform', key: 'token', mount: 'ENV_VAR' },
    { group: 'platform', key: 'certificate', mount: 'FILE' },
  ];
  await readAll(
    'everything',
    [...asked, ...global],
    [{ name: 'prepare', image: 'docker.io/library/task:1' }],
  );
});
