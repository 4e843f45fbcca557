import assert from 'node:assert/strict';
import type { V1Pod } from '@kubernetes/client-node';
import { askGateway } from '#testkit/gateway/ask-gateway.ts';
import {
  createPod,
  filesOf,
  type PodAnswer,
  untilAnswered,
  variablesOf,
} from '#testkit/installation/create-pod.ts';
import { selectedLabels } from '#testkit/installation/running-installation.ts';
import type { AskedSecret } from '#testkit/pods/task-pod.ts';
import type { Narrator } from './narrator.ts';
import { demoGlobal, type Stage } from './stage.ts';

const namespace = 'flytesnacks-development';
const admitted = { what: 'the pod to be admitted', is: ({ admitted }: PodAnswer) => admitted };

const known: AskedSecret[] = [
  { group: 'db-creds', key: 'password', mount: 'ENV_VAR', envVar: 'DB_PASSWORD' },
  { group: 'db-creds', key: 'ca.crt', mount: 'FILE' },
  { group: 'team', key: 'token', mount: 'ENV_VAR' },
];

/** Runs the main job, step by step, on a stage that `start` sets. `onStart` gets it as soon as it stands. */
export async function runDemo(
  narrator: Narrator,
  { title, start }: { title: string; start: () => Promise<Stage> },
  onStart: (stage: Stage) => void,
): Promise<void> {
  let stage: Stage | undefined;
  await narrator.step(title, async (show) => {
    stage = await start();
    onStart(stage);
    show(await stage.cluster.kubectl(['get', 'pods', '-n', 'latchkey']));
  });
  assert.ok(stage);
  await admission(narrator, stage);
  await denial(narrator, stage);
  await scaling(narrator, stage);
  await losingTheBus(narrator, stage);
}

const createSecret = ({ cluster }: Stage, name: string, literal: string): Promise<string> =>
  cluster.kubectl(['create', 'secret', 'generic', name, '-n', namespace, `--from-literal=${literal}`]);

async function admission(narrator: Narrator, stage: Stage): Promise<void> {
  const { cluster } = stage;
  await narrator.step(
    'A task asks for a Kubernetes Secret (variable and file) and a global secret',
    async (show) => {
      await stage.createNamespace(namespace, selectedLabels);
      const literals = ['--from-literal=password=p4ss', '--from-literal=ca.crt=PEM'];
      show(await cluster.kubectl(['create', 'secret', 'generic', 'db-creds', '-n', namespace, ...literals]));
      const pod = stage.aTask(namespace, 'train-model-n0', known);
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
      await showReading(stage, answer.pod, show);
      const stored = await cluster.kubectl(['get', 'pod', 'train-model-n0', '-n', namespace, '-o', 'yaml']);
      assert.doesNotMatch(stored, /only-the-pod-sees-this|p4ss/, 'no value stands in the pod');
    },
  );
}

/** Shows what the task itself printed, where tasks run. */
async function showReading(stage: Stage, pod: V1Pod, show: (text: string) => void): Promise<void> {
  const read = await stage.readTask?.(pod);
  if (read === undefined) return;
  show(`the task read DB_PASSWORD = ${read.variables.DB_PASSWORD}`);
  for (const [path, content] of Object.entries(read.files)) show(`the task read ${path} = ${content}`);
  assert.equal(read.variables.DB_PASSWORD, 'p4ss');
  assert.equal(read.variables._FSEC_TEAM_TOKEN, demoGlobal.value);
  assert.equal(read.files['/etc/flyte/secrets/db-creds/ca.crt'], 'PEM');
}

async function denial(narrator: Narrator, stage: Stage): Promise<void> {
  const { cluster } = stage;
  const pod = stage.aTask(namespace, 'report-n0', [{ group: 'warehouse', key: 'dsn' }]);
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
    show(await createSecret(stage, 'warehouse', 'dsn=postgres://'));
    const createdAtMs = performance.now();
    await untilAnswered(cluster, pod, admitted);
    show(`from "create secret" to the gateway: ${Math.round(performance.now() - createdAtMs)} ms`);
    assert.ok((await createPod(cluster, pod)).admitted);
  });
}

async function scaling(narrator: Narrator, stage: Stage): Promise<void> {
  const { cluster } = stage;
  await narrator.step('The gateway is scaled to 3, and all three answer alike', async (show) => {
    const ports = await stage.scaleGateways(3);
    show(await cluster.kubectl(['get', 'pods', '-n', 'latchkey', '-l', 'app.kubernetes.io/name=gateway']));
    const pod = stage.aTask(namespace, 'alike', known);
    const answers = await Promise.all(ports.map((port) => askGateway(stage, port, pod)));
    assert.equal(answers.length, 3);
    for (const [position, answer] of answers.entries()) show(`gateway ${position}: ${answer.length} bytes`);
    assert.equal(new Set(answers).size, 1, answers.join('\n'));
    assert.match(answers[0] ?? '', /"patch"/);
  });
}

async function losingTheBus(narrator: Narrator, stage: Stage): Promise<void> {
  const { cluster } = stage;
  await narrator.step('nats-server is killed, and pods are still admitted', async (show) => {
    await stage.killBus();
    for (const name of ['without-bus-0', 'without-bus-1', 'without-bus-2']) {
      assert.ok((await createPod(cluster, stage.aTask(namespace, name, known))).admitted);
      show(`${name}: admitted`);
    }
  });
  await narrator.step('nats-server comes back, and a change still arrives', async (show) => {
    show(await createSecret(stage, 'created-meanwhile', 'key=value'));
    await stage.startBus();
    const backAtMs = performance.now();
    const pod = stage.aTask(namespace, 'after-the-bus', [{ group: 'created-meanwhile', key: 'key' }]);
    await untilAnswered(cluster, pod, admitted);
    show(`from the return of nats-server to the gateway: ${Math.round(performance.now() - backAtMs)} ms`);
    assert.ok((await createPod(cluster, pod)).admitted);
  });
}
