import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { untilAnswered } from '#testkit/installation/create-pod.ts';
import { loseSecondNode } from '#testkit/node/disturbances.ts';
import { untilRolledOut } from '#testkit/node/install-latchkey.ts';
import { startLatchkeyNode } from '#testkit/node/latchkey-node.ts';
import { prepareNodeLoad, withoutBus } from '#testkit/node/node-load.ts';
import type { RealCluster } from '#testkit/node/real-cluster.ts';
import { describeLoad, underLoad } from '#testkit/node/under-load.ts';
import { aTaskPod } from '#testkit/pods/task-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createProgress } from '#tools/progress.ts';

/** For so long the API server and kube-proxy may still call a gateway that is lost with its node. */
const noticeMs = 10_000;
const answersAfterLoss = 2_000;
/** Of the node, which is NotReady after 50 s, and of the pod. */
const replacedMs = 150_000;

let cluster: RealCluster;
before(async () => {
  cluster = await startLatchkeyNode({ nodes: 2, progress: createProgress(process.stderr) });
});
after(() => cluster?.stop());

/** The nodes on which the pods of a service stand that are not about to end. */
async function nodesOf(service: string): Promise<string[]> {
  const selected = ['get', 'pods', '-n', 'latchkey', '-l', `app.kubernetes.io/name=${service}`, '-o', 'json'];
  const { items }: { items: { metadata: { deletionTimestamp?: string }; spec: { nodeName: string } }[] } =
    JSON.parse(await cluster.kubectl(selected));
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ spec }) => spec.nodeName)
    .toSorted();
}

/** Waits until the only nats-server stands on that node. */
const untilNatsOn = (node: string) =>
  waitFor(async () => (await nodesOf('latchkey-nats')).join() === node, {
    timeoutMs: replacedMs,
    what: `NATS to stand on ${node}`,
  });

/** Has the only nats-server start anew on the second node. */
async function moveNats(): Promise<void> {
  await cluster.kubectl(['cordon', 'node1']);
  await cluster.kubectl(['-n', 'latchkey', 'delete', 'pod', 'latchkey-nats-0']);
  await untilNatsOn('node2');
  await untilRolledOut(cluster);
  await cluster.kubectl(['uncordon', 'node1']);
}

test('replicas stand on different nodes, also after a rollout', async () => {
  for (let rollout = 0; rollout < 3; rollout += 1) {
    for (const service of ['gateway', 'cert-manager']) {
      assert.deepEqual(await nodesOf(service), ['node1', 'node2'], `${service} after ${rollout} rollouts`);
    }
    const restarted = ['deployment/gateway', 'deployment/cert-manager'];
    await cluster.kubectl(['-n', 'latchkey', 'rollout', 'restart', ...restarted]);
    await untilRolledOut(cluster);
  }
});

test('a node is lost under load, and no admission fails once its gateway is known to be gone', async () => {
  let lostAtMs = 0;
  const lose = async (): Promise<void> => {
    lostAtMs = Date.now();
    await loseSecondNode(cluster);
  };
  await moveNats();
  const cases = withoutBus(await prepareNodeLoad(cluster));
  const result = await underLoad(cluster, cases, lose, answersAfterLoss);
  process.stderr.write(`loss of a node: ${describeLoad(result)}\n`);
  const late = result.failures.filter(({ sentAtMs }) => sentAtMs > lostAtMs + noticeMs);
  assert.equal(late.length, 0, describeLoad({ ...result, failures: late }));
});

test('the bus comes back on the other node when the lost one is declared out of service', async () => {
  await cluster.kubectl([
    'taint',
    'nodes',
    'node2',
    'node.kubernetes.io/out-of-service=nodeshutdown:NoExecute',
  ]);
  await untilNatsOn('node1');
  await untilRolledOut(cluster);
  const pod = aTaskPod('load', 'still-missing', [{ group: 'missing', key: 'password', mount: 'FILE' }]);
  await untilAnswered(cluster, pod, {
    what: 'a missing secret to be known as missing again',
    is: (answer) => !answer.admitted && answer.code === 404,
  });
});
