import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { untilRolledOut } from '#testkit/node/install-latchkey.ts';
import { prepareNodeLoad, startNodeLoad } from '#testkit/node/node-load.ts';
import type { RealCluster } from '#testkit/node/real-cluster.ts';
import { createProgress } from '#tools/progress.ts';
import { startNodeWithLatchkey } from './node-run.ts';

/** For so long the API server and kube-proxy may still call a gateway that is lost with its node. */
const noticeMs = 10_000;
const answersAfterLoss = 2_000;

let cluster: RealCluster;
before(async () => {
  cluster = await startNodeWithLatchkey(2, createProgress(process.stderr), (started) => {
    cluster = started;
  });
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
  const load = await startNodeLoad(cluster, await prepareNodeLoad(cluster));
  await load.untilAnswered(100);
  const lostAtMs = Date.now();
  await cluster.nodes[1]?.lose();
  await load.untilAnswered(answersAfterLoss);
  const { clients } = await load.stop();
  const late = load.failures().filter(({ sentAtMs }) => sentAtMs > lostAtMs + noticeMs);
  assert.deepEqual(late, []);
  process.stderr.write(
    `loss of a node: ${JSON.stringify(clients)}, ${load.failures().length} failed in the first 10 s\n`,
  );
});
