import assert from 'node:assert/strict';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import type { V1Container, V1Deployment, V2HorizontalPodAutoscaler } from '@kubernetes/client-node';
import { type BareCluster, startBareCluster } from '#testkit/cluster/bare-cluster.ts';
import { loadManifests, memoryLimitMib, parseManifests } from '#testkit/cluster/manifests.ts';
import { workerCount } from '../../services/gateway/workers/worker-count.ts';

const root = join(import.meta.dirname, '../..');
const variant = (name: string): string => join(root, 'deploy/variants', name);
let cluster: BareCluster;
before(async () => {
  cluster = await startBareCluster();
  await cluster.kubectl(['apply', '-f', `${root}/deploy/namespace.yaml`]);
});
after(() => cluster?.stop());

async function read<T>(name: string): Promise<T> {
  const [object] = parseManifests(await readFile(variant(name), 'utf8'));
  return object as T;
}

const gatewayOf = (manifests: Awaited<ReturnType<typeof loadManifests>>): V1Container => {
  const deployment = manifests.find(
    ({ kind, metadata }) => kind === 'Deployment' && metadata?.name === 'gateway',
  ) as V1Deployment | undefined;
  return deployment?.spec?.template.spec?.containers[0] ?? assert.fail('no gateway');
};
const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'gateway' };

test('the horizontal autoscaler scales the gateways by the CPU that they request', async () => {
  const { spec } = await read<V2HorizontalPodAutoscaler>('gateway-autoscaler.yaml');
  assert.deepEqual({ ...spec?.scaleTargetRef }, target);
  assert.equal(spec?.minReplicas, 2);
  assert.deepEqual(
    spec?.metrics?.map(({ resource }) => [resource?.name, resource?.target.type]),
    [['cpu', 'Utilization']],
  );
  const { resources } = gatewayOf(await loadManifests(cluster.kubectl));
  assert.ok(resources?.requests?.cpu !== undefined, 'utilization is of a request');
});

interface VerticalPodAutoscaler {
  spec: {
    targetRef: object;
    updatePolicy: { minReplicas: number };
    resourcePolicy: { containerPolicies: { containerName: string; controlledValues: string }[] };
  };
}

test('the vertical autoscaler is accepted, and changes the requests of the gateways and no limit', async () => {
  await cluster.kubectl(['apply', '-f', join(import.meta.dirname, 'vertical-pod-autoscaler.yaml')]);
  const definition = 'crd/verticalpodautoscalers.autoscaling.k8s.io';
  await cluster.kubectl(['wait', '--for=condition=Established', definition, '--timeout=30s']);
  const file = variant('gateway-vertical-autoscaler.yaml');
  await cluster.kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', file]);
  const { spec } = await read<VerticalPodAutoscaler>('gateway-vertical-autoscaler.yaml');
  assert.deepEqual(spec.targetRef, target);
  assert.equal(spec.updatePolicy.minReplicas, 2);
  const { name } = gatewayOf(await loadManifests(cluster.kubectl));
  assert.deepEqual(
    spec.resourcePolicy.containerPolicies.map((policy) => [policy.containerName, policy.controlledValues]),
    [[name, 'RequestsOnly']],
  );
});

test('gateways with workers have whole cores, and the memory of a gateway for each process', async (t) => {
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'latchkey-kustomize-'));
  t.after(() => rm(folder, { recursive: true }));
  const resources = [relative(folder, `${root}/deploy`)];
  const components = resources.map((path) => join(path, 'variants/gateway-workers'));
  await writeFile(join(folder, 'kustomization.yaml'), JSON.stringify({ resources, components }));
  await cluster.kubectl(['apply', '--dry-run=server', '-k', folder]);
  const usual = gatewayOf(await loadManifests(cluster.kubectl));
  const gateway = gatewayOf(parseManifests(await cluster.kubectl(['kustomize', folder])));
  const cpuMax = `${Number(gateway.resources?.limits?.cpu) * 100_000} 100000`;
  const memoryMax = `${memoryLimitMib(gateway) * 1_024 * 1_024}`;
  const heapBytes = 640 * 1_024 * 1_024;
  const processes = workerCount('auto', { cpuMax, memoryMax, available: 1, heapBytes }) + 1;
  assert.equal(processes, 3);
  assert.equal(memoryLimitMib(gateway), processes * memoryLimitMib(usual));
  assert.deepEqual(gateway.args, usual.args);
});
