import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createPod } from '#testkit/installation/create-pod.ts';
import { untilRolledOut } from '#testkit/node/install-latchkey.ts';
import {
  type MachineState,
  pidNamespacesOf,
  processesOf,
  readMachineState,
} from '#testkit/node/machine-state.ts';
import { prepareNodeLoad, startNodeLoad } from '#testkit/node/node-load.ts';
import { aReadingTask } from '#testkit/node/reading-task.ts';
import type { RealCluster } from '#testkit/node/real-cluster.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createProgress } from '#tools/progress.ts';
import { runReadingTask, startNodeWithLatchkey, taskNamespace } from './node-run.ts';

const progress = createProgress(process.stderr);
let machineBefore: MachineState;
let cluster: RealCluster;

before(async () => {
  machineBefore = await readMachineState();
  cluster = await startNodeWithLatchkey(1, progress, (started) => {
    cluster = started;
  });
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

test('the gateways are replaced under load, and no admission fails', async () => {
  const load = await startNodeLoad(cluster, await prepareNodeLoad(cluster));
  await load.untilAnswered(50);
  await cluster.kubectl(['-n', 'latchkey', 'rollout', 'restart', 'deployment/gateway']);
  await untilRolledOut(cluster);
  await load.untilAnswered(200);
  const { clients } = await load.stop();
  assert.deepEqual(load.failures(), []);
  process.stderr.write(`rollout of the gateways: ${JSON.stringify(clients)}\n`);
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
