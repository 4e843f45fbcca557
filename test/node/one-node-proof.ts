import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createPod } from '#testkit/installation/create-pod.ts';
import { disturbances } from '#testkit/node/disturbances.ts';
import { flytekitImage, flytekitImageName, flytekitScript } from '#testkit/node/flytekit-image.ts';
import { runReadingTask, startLatchkeyNode, taskNamespace } from '#testkit/node/latchkey-node.ts';
import {
  type MachineState,
  pidNamespacesOf,
  processesOf,
  readMachineState,
} from '#testkit/node/machine-state.ts';
import { prepareNodeLoad } from '#testkit/node/node-load.ts';
import { aReadingTask, restrictedTask, taskOutput } from '#testkit/node/reading-task.ts';
import type { RealCluster } from '#testkit/node/real-cluster.ts';
import { describeLoad, underLoad } from '#testkit/node/under-load.ts';
import { type AskedSecret, aTaskPod } from '#testkit/pods/task-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createProgress } from '#tools/progress.ts';

const progress = createProgress(process.stderr);
/** Those that end within seconds; `npm run bench:node` has the others too. */
const shortDisturbances = [
  'rollout of the gateways',
  'NATS pod killed',
  'gateways killed, one after the other',
  'kubelet restarted',
] as const;

/** Runs the script of the task with its questions, which a container has no standard input for. */
const askFromVariable = `import io, os, runpy, sys
sys.stdin = io.StringIO(os.environ['QUESTIONS'])
runpy.run_path('${flytekitScript}')`;

let machineBefore: MachineState;
let cluster: RealCluster;

before(async () => {
  machineBefore = await readMachineState();
  cluster = await startLatchkeyNode({ nodes: 1, progress });
});
after(() => cluster?.stop());

interface PodList {
  items: {
    metadata: { name: string };
    status: { containerStatuses: { ready: boolean; restartCount: number }[] };
  }[];
}

test('every pod of the installation is ready and was started once', async () => {
  const pods: PodList = JSON.parse(await cluster.kubectl(['-n', 'latchkey', 'get', 'pods', '-o', 'json']));
  assert.equal(pods.items.length, 11);
  for (const { metadata, status } of pods.items) {
    const [container] = status.containerStatuses;
    assert.equal(container?.ready, true, metadata.name);
    assert.equal(container?.restartCount, 0, metadata.name);
  }
});

test('a task under the standard restricted reads a file and a variable of global and of k8s', async () => {
  const { variables, files } = await runReadingTask(cluster, progress);
  assert.equal(variables.DB_PASSWORD, 'pa55');
  assert.equal(variables['_FSEC_DB-CREDS_PASSWORD'], 'pa55');
  assert.equal(variables.EXAMPLE_TOKEN, 'a-global-value');
  assert.deepEqual(Object.values(files).toSorted(), ['a-global-value', 'task-author']);
  assert.equal(files['/etc/flyte/secrets/db-creds/user'], 'task-author');
});

test('flytekit itself reads a file and a variable in a pod', async () => {
  const script = join(import.meta.dirname, '../flytekit/read_secrets.py');
  for (const node of cluster.nodes) await node.importImages([await flytekitImage(script)]);
  const questions = [
    { group: 'db-creds', key: 'password', groupVersion: '', envVar: 'DB_PASSWORD' },
    { group: 'platform', key: 'example-token', groupVersion: '', envVar: '' },
  ];
  const asked: AskedSecret[] = [
    { group: 'db-creds', key: 'password', mount: 'ENV_VAR', envVar: 'DB_PASSWORD' },
    { group: 'platform', key: 'example-token', mount: 'FILE' },
  ];
  const pod = restrictedTask(aTaskPod(taskNamespace, 'flytekit-n0', asked), {
    name: 'task',
    image: flytekitImageName,
    // Not through a shell: dash hands no variable on whose name has a `-`.
    command: ['python3', '-c', askFromVariable],
    env: [{ name: 'QUESTIONS', value: JSON.stringify(questions) }],
  });
  const answer = await createPod(cluster, pod);
  assert.ok(answer.admitted);
  const [password, token]: { value: string; file: string | null; variable?: string }[] = JSON.parse(
    await taskOutput(cluster, pod),
  );
  assert.deepEqual([password?.value, password?.variable], ['pa55', 'pa55']);
  assert.equal(token?.value, 'a-global-value');
  assert.equal(Buffer.from(token?.file ?? '', 'base64').toString(), 'a-global-value');
});

test('no admission fails while the cluster does to the installation what clusters do', async (t) => {
  const cases = await prepareNodeLoad(cluster);
  for (const name of shortDisturbances) {
    await t.test(name, async () => {
      const result = await underLoad(cluster, cases, () => disturbances[name](cluster));
      process.stderr.write(`${name}: ${describeLoad(result)}\n`);
      assert.equal(result.failures.length, 0, describeLoad(result));
    });
  }
});

test('after the manifests are deleted, in any order, a labelled pod is created as any other', async () => {
  await cluster.kubectl(['delete', '-k', 'deploy']);
  // The last command of docs/install.md, "Uninstall".
  await cluster.kubectl([
    'delete',
    'secret',
    '-A',
    '-l',
    'latchkey.dev/copy=global,latchkey.dev/installation=latchkey',
  ]);
  const listConfigurations = ['get', 'mutatingwebhookconfigurations', '-o', 'name'];
  await waitFor(async () => (await cluster.kubectl(listConfigurations)) === '', {
    timeoutMs: 20_000,
    what: 'Kubernetes to delete the webhook configuration with its owner',
  });
  const pod = aReadingTask(taskNamespace, 'after-removal', [{ group: 'db-creds', key: 'password' }]);
  const answer = await createPod(cluster, pod);
  assert.ok(answer.admitted);
  assert.deepEqual(answer.pod.spec?.volumes ?? [], []);
});

test('when the command has ended the machine is as before', async () => {
  const namespaces = await pidNamespacesOf(cluster.folder);
  await cluster.stop();
  await waitFor(async () => (await processesOf(cluster.folder, namespaces)).length === 0, {
    timeoutMs: 20_000,
    what: 'the last process of the cluster to end',
  });
  assert.deepEqual(await readMachineState(), machineBefore);
});
