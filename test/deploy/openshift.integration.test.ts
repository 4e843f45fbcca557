import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import type { V1Deployment, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { admitReview } from '#shared/core/admission/admit.ts';
import { applyPatch } from '#shared/core/patch/apply-patch.ts';
import { type BareCluster, startBareCluster } from '#testkit/cluster/bare-cluster.ts';
import { type Manifests, parseManifests } from '#testkit/cluster/manifests.ts';
import { aPod, aReview, someRules } from '#testkit/pods/a-pod.ts';
import { assignScc, sccFaults } from './restricted-scc.ts';

const root = join(import.meta.dirname, '../..');
const namespace = 'latchkey';
let cluster: BareCluster;
let folder: string;
let usual: Manifests;
let openshift: Manifests;
before(async () => {
  cluster = await startBareCluster();
  await cluster.kubectl(['apply', '-f', `${root}/deploy/namespace.yaml`]);
  // Nothing makes it here: no controller manager runs.
  const account = { metadata: { name: 'default' } };
  await cluster.harness.core.createNamespacedServiceAccount({ namespace, body: account });
  folder = await mkdtemp(join(await realpath(tmpdir()), 'latchkey-openshift-'));
  usual = await build(['nats/cluster']);
  openshift = await build(['nats/cluster', 'variants/openshift']);
});
after(async () => {
  await cluster?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

/** Everything of deploy/ that has pods, as kustomize builds it with some components. */
async function build(components: readonly string[]): Promise<Manifests> {
  const deploy = relative(folder, `${root}/deploy`);
  const variants = (await readdir(`${root}/deploy/variants`)).filter((name) =>
    /^(resolver-.*|init-certs-job)\.yaml$/.test(name),
  );
  for (const name of variants) {
    await writeFile(join(folder, name), await readFile(`${root}/deploy/variants/${name}`));
  }
  const kustomization = {
    resources: [deploy, ...variants],
    components: components.map((component) => join(deploy, component)),
  };
  await writeFile(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
  return parseManifests(await cluster.kubectl(['kustomize', folder]));
}

const podSpecs = (manifests: Manifests): [name: string, spec: V1PodSpec][] =>
  manifests.flatMap((object: V1Deployment): [string, V1PodSpec][] => {
    const spec = object.spec?.template?.spec;
    return spec === undefined || spec === null ? [] : [[`${object.kind} ${object.metadata?.name}`, spec]];
  });

test('the component takes the ids out of every pod template, and changes nothing else', () => {
  const expected = structuredClone(usual);
  assert.equal(podSpecs(expected).length, 11);
  for (const [name, { securityContext = {} }] of podSpecs(expected)) {
    for (const id of ['runAsUser', 'runAsGroup', 'fsGroup'] as const) {
      assert.equal(securityContext[id], 1_000, name);
      delete securityContext[id];
    }
  }
  assert.deepEqual(openshift, expected);
});

test('restricted-v2 admits every pod, and so does the restricted Pod Security level with the ids that it assigns', async () => {
  for (const [name, spec] of podSpecs(openshift)) {
    assert.deepEqual(sccFaults(spec), [], name);
    // NATS has a claim for its volume; no ServiceAccount but the default one exists here.
    const { serviceAccountName: _, ...rest } = assignScc(spec);
    const volumes = [...(spec.volumes ?? []), { name: 'data', emptyDir: {} }];
    const body = { metadata: { generateName: 'any-' }, spec: { ...rest, volumes } };
    await cluster.harness.core.createNamespacedPod({ namespace, dryRun: 'All', body });
  }
});

test('the ids that the manifests have elsewhere are what restricted-v2 refuses', () => {
  for (const [name, spec] of podSpecs(usual)) {
    assert.deepEqual(sccFaults(spec), ['fsGroup', 'runAsUser'], name);
  }
});

test('a pull container with the securityContext of docs/install.md fits, and what the SCC adds brings no second one', async () => {
  const page = await readFile(`${root}/docs/install.md`, 'utf8');
  const [, block = ''] = /## OpenShift[\s\S]*?```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  const rules = someRules({ chain: ['aws'], ...parse(block) });
  const main = { name: 'main', image: 'task', securityContext: { runAsNonRoot: true } };
  const pod = aPod({
    asks: [{ group: 'arn:aws:s:', key: 'db' }],
    spec: { containers: [main] },
  }) as V1Pod;
  const decide = (each: V1Pod) => admitReview(aReview(each), rules);
  // The SCC is asked before webhooks, and again after them.
  const first = { ...pod, spec: assignScc(pod.spec as V1PodSpec) };
  const { outcome, patch } = decide(first);
  assert.equal(outcome, 'injected');
  applyPatch(first, patch);
  assert.deepEqual(sccFaults(first.spec), []);
  assert.equal(first.spec.initContainers?.length, 1);
  const second = { ...first, spec: assignScc(first.spec) };
  assert.notEqual(second.spec.initContainers?.[0]?.securityContext?.runAsUser, undefined);
  assert.deepEqual(decide(second).patch, []);
  const { metadata, spec } = second;
  const body = {
    metadata: { ...metadata, namespace, name: 'task' },
    spec: { ...spec, serviceAccountName: 'default' },
  };
  await cluster.harness.core.createNamespacedPod({ namespace, dryRun: 'All', body });
});
