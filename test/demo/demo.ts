import assert from 'node:assert/strict';
import { askGateway } from '#testkit/gateway/ask-gateway.ts';
import {
  createPod,
  filesOf,
  type PodAnswer,
  untilAnswered,
  variablesOf,
} from '#testkit/installation/create-pod.ts';
import {
  type RunningInstallation,
  selectedLabels,
  startInstallation,
} from '#testkit/installation/running-installation.ts';
import { type AskedSecret, aTaskPod } from '#testkit/pods/task-pod.ts';
import type { Narrator } from './narrator.ts';

const namespace = 'flytesnacks-development';
const admitted = { what: 'the pod to be admitted', is: ({ admitted }: PodAnswer) => admitted };

const known: AskedSecret[] = [
  { group: 'db-creds', key: 'password', mount: 'ENV_VAR', envVar: 'DB_PASSWORD' },
  { group: 'db-creds', key: 'ca.crt', mount: 'FILE' },
  { group: 'team', key: 'token', mount: 'ENV_VAR' },
];

/** Runs the main job on real programs, step by step. `onStart` gets the installation as soon as it stands. */
export async function runDemo(
  narrator: Narrator,
  onStart: (installation: RunningInstallation) => void,
): Promise<void> {
  let installation: RunningInstallation | undefined;
  await narrator.step('Start etcd, kube-apiserver, nats-server and the services', async (show) => {
    installation = await startInstallation({ globals: { 'team/token': 'only-the-pod-sees-this' } });
    onStart(installation);
    show(await installation.cluster.kubectl(['get', 'pods', '-n', 'latchkey']));
  });
  assert.ok(installation);
  await admission(narrator, installation);
  await denial(narrator, installation);
  await scaling(narrator, installation);
  await losingTheBus(narrator, installation);
}

const createSecret = ({ cluster }: RunningInstallation, name: string, literal: string): Promise<string> =>
  cluster.kubectl(['create', 'secret', 'generic', name, '-n', namespace, `--from-literal=${literal}`]);

async function admission(narrator: Narrator, installation: RunningInstallation): Promise<void> {
  const { cluster } = installation;
  await narrator.step(
    'A task asks for a Kubernetes Secret (variable and file) and a global secret',
    async (show) => {
      await cluster.createNamespace(namespace, selectedLabels);
      const literals = ['--from-literal=password=p4ss', '--from-literal=ca.crt=PEM'];
      show(await cluster.kubectl(['create', 'secret', 'generic', 'db-creds', '-n', namespace, ...literals]));
      const pod = aTaskPod(namespace, 'train-model-n0', known);
      await untilAnswered(cluster, pod, admitted);
      const answer = await createPod(cluster, pod);
      assert.ok(answer.admitted);
      const variables = variablesOf(answer.pod);
      const files = filesOf(answer.pod);
      show(await cluster.kubectl(['get', 'pod', 'train-model-n0', '-n', namespace]));
      for (const [name, value] of Object.entries(variables)) show(`env   ${name} = ${value}`);
      for (const [path, source] of Object.entries(files)) show(`file  ${path} <- ${source}`);
      assert.equal(variables.DB_PASSWORD, 'db-creds/password');
      assert.equal(files['/etc/flyte/secrets/db-creds/ca.crt'], 'db-creds/ca.crt');
      assert.match(variables._FSEC_TEAM_TOKEN ?? '', /^latchkey-global-/);
      const stored = await cluster.kubectl(['get', 'pod', 'train-model-n0', '-n', namespace, '-o', 'yaml']);
      assert.doesNotMatch(stored, /only-the-pod-sees-this|p4ss/, 'no value stands in the pod');
    },
  );
}

async function denial(narrator: Narrator, installation: RunningInstallation): Promise<void> {
  const { cluster } = installation;
  const pod = aTaskPod(namespace, 'report-n0', [{ group: 'warehouse', key: 'dsn' }]);
  await narrator.step(
    'A task whose secret is missing is denied, and its author is told why',
    async (show) => {
      const answer = await createPod(cluster, pod);
      assert.ok(!answer.admitted);
      show(answer.message);
      assert.equal(answer.code, 404);
      assert.match(answer.message, /warehouse/);
    },
  );
  await narrator.step('The Secret is created, and the same pod is admitted', async (show) => {
    show(await createSecret(installation, 'warehouse', 'dsn=postgres://'));
    const createdAtMs = performance.now();
    await untilAnswered(cluster, pod, admitted);
    show(`from "create secret" to the gateway: ${Math.round(performance.now() - createdAtMs)} ms`);
    assert.ok((await createPod(cluster, pod)).admitted);
  });
}

async function scaling(narrator: Narrator, installation: RunningInstallation): Promise<void> {
  const { cluster, gateways } = installation;
  await narrator.step('The gateway is scaled to 3, and all three answer alike', async (show) => {
    for (const replica of [1, 2]) gateways.push(await cluster.startService('gateway', { replica }));
    await Promise.all(gateways.map((gateway) => gateway.untilReady()));
    show(await cluster.kubectl(['get', 'pods', '-n', 'latchkey', '-l', 'app.kubernetes.io/name=gateway']));
    const pod = aTaskPod(namespace, 'alike', known);
    const answers = await Promise.all(
      gateways.map(({ ports }) => askGateway(installation, ports.webhook, pod)),
    );
    for (const [position, answer] of answers.entries()) show(`gateway-${position}: ${answer.length} bytes`);
    assert.equal(new Set(answers).size, 1, answers.join('\n'));
    assert.match(answers[0] ?? '', /"patch"/);
  });
}

async function losingTheBus(narrator: Narrator, installation: RunningInstallation): Promise<void> {
  const { cluster } = installation;
  await narrator.step('nats-server is killed, and pods are still admitted', async (show) => {
    await cluster.nats.kill9();
    for (const name of ['without-bus-0', 'without-bus-1', 'without-bus-2']) {
      assert.ok((await createPod(cluster, aTaskPod(namespace, name, known))).admitted);
      show(`${name}: admitted`);
    }
  });
  await narrator.step('nats-server comes back, and a change still arrives', async (show) => {
    show(await createSecret(installation, 'created-meanwhile', 'key=value'));
    await cluster.nats.start();
    const backAtMs = performance.now();
    const pod = aTaskPod(namespace, 'after-the-bus', [{ group: 'created-meanwhile', key: 'key' }]);
    await untilAnswered(cluster, pod, admitted);
    show(`from the return of nats-server to the gateway: ${Math.round(performance.now() - backAtMs)} ms`);
    assert.ok((await createPod(cluster, pod)).admitted);
  });
}
