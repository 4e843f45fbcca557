import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loseSecondNode } from '#testkit/node/disturbances.ts';
import { untilRolledOut } from '#testkit/node/install-latchkey.ts';
import { startLatchkeyNode } from '#testkit/node/latchkey-node.ts';
import { prepareNodeLoad, withoutBus } from '#testkit/node/node-load.ts';
import type { RealCluster } from '#testkit/node/real-cluster.ts';
import { describeLoad, underLoad } from '#testkit/node/under-load.ts';
import { createProgress } from '#tools/progress.ts';

/** For so long the API server and kube-proxy may still call a gateway that is lost with its node. */
const noticeMs = 10_000;
const answersAfterLoss = 2_000;

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
  // The node may be that of the only nats-server.
  const cases = withoutBus(await prepareNodeLoad(cluster));
  const result = await underLoad(cluster, cases, lose, answersAfterLoss);
  process.stderr.write(`loss of a node: ${describeLoad(result)}\n`);
  const late = result.failures.filter(({ sentAtMs }) => sentAtMs > lostAtMs + noticeMs);
  assert.equal(late.length, 0, describeLoad({ ...result, failures: late }));
});
