import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type {
  V1ConfigMap,
  V1Container,
  V1Deployment,
  V1NetworkPolicy,
  V1PodDisruptionBudget,
  V1PodTemplateSpec,
  V1Role,
  V1StatefulSet,
} from '@kubernetes/client-node';
import { parse } from 'yaml';
import { credentialsSecret, passwordVariables } from '#deploy/nats/credentials.ts';
import { processVariables } from '#shared/config/process-config.ts';
import { snapshotSecretNames } from '#shared/contracts/kubernetes/rules-snapshot.ts';
import { managers } from '#shared/managers/shipped/managers.ts';
import { type BareCluster, startBareCluster } from '#testkit/cluster/bare-cluster.ts';
import {
  copyForManager,
  loadManifests,
  loadResolver,
  type Manifests,
  memoryLimitMib,
  parseManifests,
} from '#testkit/cluster/manifests.ts';

const root = join(import.meta.dirname, '../..');
let cluster: BareCluster;
let manifests: Manifests;
before(async () => {
  cluster = await startBareCluster();
  manifests = await loadManifests(cluster.kubectl);
});
after(() => cluster?.stop());

const namespace = 'latchkey';
const services = ['cert-manager', 'discovery', 'gateway', 'resolver-global', 'resolver-k8s'];
/** Managers whose resolvers stand in deploy/variants. */
const providers = [...managers.keys()].filter((manager) => !services.includes(`resolver-${manager}`));
const deployments = (): V1Deployment[] => manifests.filter(({ kind }) => kind === 'Deployment');
const templates = (): V1PodTemplateSpec[] =>
  [...deployments(), ...manifests.filter(({ kind }) => kind === 'StatefulSet')].map(
    (object: V1Deployment | V1StatefulSet) => object.spec?.template as V1PodTemplateSpec,
  );
const containerOf = (template: V1PodTemplateSpec | undefined) => {
  const container = template?.spec?.containers[0];
  assert.ok(container);
  return container;
};
const rulesOf = (kind: string, name: string) =>
  manifests
    .filter((object) => object.kind === kind && object.metadata?.name === name)
    .flatMap((role: V1Role) => role.rules ?? []);

test('the commands of kustomization.yaml install everything', async () => {
  await cluster.kubectl(['apply', '-f', `${root}/deploy/namespace.yaml`]);
  const generated = await promisify(execFile)(process.execPath, [
    `${root}/deploy/nats/generate-credentials.ts`,
  ]);
  await cluster.kubectl(['create', '-f', '-'], generated.stdout);
  const output = await cluster.kubectl(['apply', '-k', `${root}/deploy`]);
  assert.equal(output.trim().split('\n').length, manifests.length);
});

test('gateways mount every shard of the snapshot in one volume, and need none of them', () => {
  const spec = deployments().find(({ metadata }) => metadata?.name === 'gateway')?.spec?.template.spec;
  const sources = spec?.volumes?.find(({ name }) => name === 'snapshot')?.projected?.sources;
  assert.deepEqual(
    sources?.map(({ secret }) => ({ ...secret })),
    snapshotSecretNames.map((name) => ({ name, optional: true })),
  );
});

test('the variants are accepted by the API server', async () => {
  await cluster.createNamespace('flytesnacks-development');
  const variants = await readdir(`${root}/deploy/variants`);
  // The kind of the one left out is not Kubernetes' own (gateway-scaling.integration.test.ts).
  const ofKubernetes = variants.filter((name) => name.endsWith('.yaml') && !name.includes('vertical'));
  for (const variant of ofKubernetes) {
    await cluster.kubectl(['apply', '--dry-run=server', '-f', `${root}/deploy/variants/${variant}`]);
  }
});

test('three NATS servers are accepted in place of one, with every password that they need', async (t) => {
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'latchkey-kustomize-'));
  t.after(() => rm(folder, { recursive: true }));
  const resources = [relative(folder, `${root}/deploy`)];
  const components = resources.map((path) => join(path, 'nats/cluster'));
  await writeFile(join(folder, 'kustomization.yaml'), JSON.stringify({ resources, components }));
  await cluster.kubectl(['apply', '--dry-run=server', '-k', folder]);
  const built = parseManifests(await cluster.kubectl(['kustomize', folder]));
  const server = built.find(({ kind }) => kind === 'StatefulSet') as V1StatefulSet;
  assert.equal(server.spec?.replicas, 3);
  const container = containerOf(server.spec?.template);
  const mounted = server.spec?.template.spec?.volumes?.find(({ name }) => name === 'config')?.configMap?.name;
  const files = built.find(({ metadata }) => metadata?.name === mounted) as V1ConfigMap;
  assert.deepEqual(Object.keys(files.data ?? {}).sort(), ['nats-cluster.conf', 'nats.conf']);
  const needed = Object.values(files.data ?? {}).flatMap((text) =>
    Array.from(text.replaceAll(/^\s*#.*$/gm, '').matchAll(/\$(NATS_\w+)/g), ([, name = '']) => name),
  );
  const { env = [] } = container;
  assert.deepEqual(
    needed.filter((name) => !env.some((variable) => variable.name === name)),
    [],
  );
  const { core } = cluster.kubernetes;
  for (const { valueFrom } of env) {
    const name = valueFrom?.secretKeyRef?.name;
    if (name !== undefined) await core.readNamespacedSecret({ namespace, name });
  }
});

test('every image of an installation can be pinned by its digest', async (t) => {
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'latchkey-kustomize-'));
  t.after(() => rm(folder, { recursive: true }));
  const resources = [relative(folder, `${root}/deploy`)];
  const digest = `sha256:${'a'.repeat(64)}`;
  const images = ['latchkey', 'docker.io/library/nats'].map((name) => ({ name, digest }));
  await writeFile(join(folder, 'kustomization.yaml'), JSON.stringify({ resources, images }));
  const built = parseManifests(await cluster.kubectl(['kustomize', folder]));
  const used = built.flatMap((object: V1Deployment) =>
    (object.spec?.template?.spec?.containers ?? []).map(({ image }) => image),
  );
  assert.equal(used.length, templates().length);
  for (const image of used) assert.ok(image?.endsWith(`@${digest}`), image);
});

test('every pod is admitted in the namespace, which enforces the restricted level', async () => {
  const { core } = cluster.kubernetes;
  for (const template of templates()) {
    const metadata = {
      generateName: `${template.metadata?.labels?.['app.kubernetes.io/name']}-`,
      labels: template.metadata?.labels ?? {},
    };
    const volumes = [...(template.spec?.volumes ?? []), { name: 'data', emptyDir: {} }];
    const spec = { containers: [], ...template.spec, volumes };
    const pod = await core.createNamespacedPod({ namespace, dryRun: 'All', body: { metadata, spec } });
    assert.equal(pod.metadata?.namespace, namespace);
  }
  const spec = { serviceAccountName: 'gateway', containers: [{ name: 'main', image: 'any' }] };
  const careless = { metadata: { name: 'careless' }, spec };
  await assert.rejects(
    core.createNamespacedPod({ namespace, body: careless }),
    /violates PodSecurity .*restricted/,
  );
});

test('there is a Deployment for every service, and what it runs exists', async () => {
  assert.deepEqual(
    deployments()
      .map(({ metadata }) => metadata?.name)
      .sort(),
    services,
  );
  for (const { spec } of deployments()) {
    const program = containerOf(spec?.template).args?.find((argument) => !argument.startsWith('-'));
    await access(join(root, program ?? ''));
  }
});

/** The containers of all manifests that run one of our programs, by file; V8 options come first in their arguments. */
async function programContainers(): Promise<[string, V1Container][]> {
  const folders = await Promise.all(
    ['deploy', 'deploy/variants'].map(async (folder) =>
      (await readdir(join(root, folder)))
        .filter((name) => name.endsWith('.yaml'))
        .map((name) => join(folder, name)),
    ),
  );
  const files = await Promise.all(
    folders
      .flat()
      .map(async (file) =>
        parseManifests(await readFile(join(root, file), 'utf8')).map((object) => [file, object] as const),
      ),
  );
  return files.flat().flatMap(([file, object]) => {
    const template = (object as V1Deployment | undefined)?.spec?.template;
    const containers = template?.spec?.containers ?? [];
    return containers.map((container): [string, V1Container] => [file, container]);
  });
}
const heapMib = (args: readonly string[] = []): number =>
  Number(args.map((arg) => /^--max-old-space-size=(\d+)$/.exec(arg)?.[1]).find((size) => size !== undefined));

test('every heap has five eighths of the memory of its container; code, buffers and TLS have the rest', async () => {
  const containers = await programContainers();
  assert.ok(containers.length >= services.length + providers.length + 1);
  for (const [file, container] of containers) {
    assert.equal(heapMib(container.args), (memoryLimitMib(container) * 5) / 8, file);
  }
});

test('NATS collects its garbage before its container runs out of memory, at five eighths as well', () => {
  for (const object of manifests.filter(({ kind }) => kind === 'StatefulSet') as V1StatefulSet[]) {
    const container = containerOf(object.spec?.template);
    const limit = container.env?.find(({ name }) => name === 'GOMEMLIMIT')?.value;
    assert.equal(limit, `${(memoryLimitMib(container) * 5) / 8}MiB`);
  }
});

/** Takes the options of Node from what a container runs: those before the program. */
const nodeOptions = (args: readonly string[] = []): string[] =>
  args.slice(
    0,
    args.findIndex((arg) => !arg.startsWith('-')),
  );

test('docker compose runs every service with the options of Node of its manifest', async () => {
  const compose = parse(await readFile(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
    services: Record<string, { command?: string[] }>;
  };
  for (const { metadata, spec } of deployments()) {
    const { command } = compose.services[metadata?.name ?? ''] ?? {};
    assert.deepEqual(nodeOptions(command), nodeOptions(containerOf(spec?.template).args), metadata?.name);
  }
});

test('the resolver of every provider is that of k8s but for the name', async () => {
  const body = async (file: string): Promise<string> =>
    (await readFile(join(root, 'deploy', file), 'utf8')).replace(/^#.*\n/gm, '');
  const model = await body('resolver-k8s.yaml');
  for (const manager of providers) {
    assert.equal(await body(`variants/resolver-${manager}.yaml`), copyForManager(model, 'k8s', manager));
  }
});

test('every variable is one that the services read, and the ports are those of the probes', () => {
  for (const { metadata, spec } of deployments()) {
    const { env = [], ports = [], ...container } = containerOf(spec?.template);
    const unknown = env.map(({ name }) => name).filter((name) => !processVariables.includes(name));
    assert.deepEqual(unknown, [], metadata?.name);
    for (const [port, variable] of [
      ['health', 'HEALTH_PORT'],
      ['webhook', 'WEBHOOK_PORT'],
    ]) {
      const declared = ports.find(({ name }) => name === port)?.containerPort;
      assert.equal(
        env.find(({ name }) => name === variable)?.value,
        declared?.toString(),
        `${metadata?.name} ${port}`,
      );
    }
    assert.deepEqual(container.livenessProbe?.httpGet, { path: '/livez', port: 'health' });
    assert.deepEqual(container.readinessProbe?.httpGet, { path: '/readyz', port: 'health' });
  }
});

test('only cert-manager and discovery hold a token', () => {
  const holders = deployments().filter(
    ({ spec }) => spec?.template.spec?.automountServiceAccountToken !== false,
  );
  assert.deepEqual(holders.map(({ metadata }) => metadata?.name).sort(), ['cert-manager', 'discovery']);
  const bound = manifests
    .filter(({ kind }) => kind?.endsWith('RoleBinding'))
    .flatMap((binding) => ('subjects' in binding ? (binding.subjects as { name: string }[]) : []));
  assert.deepEqual([...new Set(bound.map(({ name }) => name))].sort(), ['cert-manager', 'discovery']);
});

test('there are two of every service, on two nodes where there are, replaced one by one without a gap', () => {
  for (const { metadata, spec } of deployments()) {
    const name = metadata?.name ?? '';
    assert.equal(spec?.replicas, 2, name);
    assert.deepEqual(spec?.strategy?.rollingUpdate, { maxSurge: 1, maxUnavailable: 0 }, name);
    const [spread] = spec?.template.spec?.topologySpreadConstraints ?? [];
    const labels = { 'app.kubernetes.io/name': name };
    assert.deepEqual(
      [spread?.topologyKey, spread?.labelSelector?.matchLabels],
      ['kubernetes.io/hostname', labels],
    );
    assert.deepEqual(spread?.matchLabelKeys, ['pod-template-hash'], name);
    const budget: V1PodDisruptionBudget | undefined = manifests.find(
      (object) => object.kind === 'PodDisruptionBudget' && object.metadata?.name === name,
    );
    assert.deepEqual([budget?.spec?.maxUnavailable, budget?.spec?.selector?.matchLabels], [1, labels], name);
  }
});

test('the pods of a lost node are replaced after half a minute, but for those that a StatefulSet names', () => {
  for (const { metadata, spec } of deployments()) {
    const tolerations = spec?.template.spec?.tolerations?.map((toleration) => ({ ...toleration }));
    const lost = ['not-ready', 'unreachable'].map((state) => ({
      key: `node.kubernetes.io/${state}`,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 30,
    }));
    assert.deepEqual(tolerations, lost, metadata?.name);
  }
  const named = manifests.filter(({ kind }) => kind === 'StatefulSet') as V1StatefulSet[];
  for (const { spec } of named) assert.equal(spec?.template.spec?.tolerations, undefined);
});

test('a container has two minutes to start', () => {
  for (const template of templates()) {
    const { startupProbe } = containerOf(template);
    assert.deepEqual([startupProbe?.periodSeconds, startupProbe?.failureThreshold], [1, 120]);
  }
});

test('the Leases exist from the start, and may be changed by their service alone', () => {
  const leases = manifests.filter(({ kind }) => kind === 'Lease').map(({ metadata }) => metadata?.name);
  assert.deepEqual(leases.sort(), ['latchkey-cert-manager', 'latchkey-discovery']);
  const roles = manifests.filter((object): object is V1Role => object.kind?.endsWith('Role') === true);
  const rules = roles.flatMap(({ metadata, rules: own = [] }) =>
    own
      .filter(({ resources = [] }) => resources.includes('leases'))
      .map(({ resourceNames, verbs }) => [metadata?.name, resourceNames, verbs]),
  );
  assert.deepEqual(rules, [
    ['cert-manager', ['latchkey-cert-manager'], ['get', 'update']],
    ['discovery', ['latchkey-discovery'], ['get', 'update']],
  ]);
});

test('cert-manager may change named objects only', () => {
  const rules = [...rulesOf('Role', 'cert-manager'), ...rulesOf('ClusterRole', 'latchkey-cert-manager')];
  // Their names are made up by Kubernetes; they are read, and hold no secret.
  const others = rules.filter(
    ({ resources = [], verbs }) => `${resources} ${verbs}` !== 'endpointslices list,watch',
  );
  assert.equal(others.length, rules.length - 1);
  for (const rule of others) {
    assert.ok(rule.verbs.join() === 'create' || (rule.resourceNames ?? []).length > 0, JSON.stringify(rule));
  }
});

test('NATS gets a password for every user of nats.conf, from the Secret that the service mounts', async () => {
  const variables = passwordVariables(await readFile(`${root}/deploy/nats/nats.conf`, 'utf8'));
  const nats = templates().find(
    ({ metadata }) => metadata?.labels?.['app.kubernetes.io/name'] === 'latchkey-nats',
  );
  const env = containerOf(nats).env ?? [];
  const resolvers = providers.map((manager) => `resolver-${manager}`);
  assert.deepEqual([...variables.keys()].sort(), [...services, ...resolvers].sort());
  for (const [user, variable] of variables) {
    const secret = credentialsSecret(user, '').metadata.name;
    const source = env.find(({ name }) => name === variable)?.valueFrom?.secretKeyRef;
    assert.deepEqual({ ...source }, { name: secret, key: 'password' });
    if (resolvers.includes(user)) continue;
    const service = deployments().find(({ metadata }) => metadata?.name === user);
    const mounted = service?.spec?.template.spec?.volumes?.map((volume) => volume.secret?.secretName);
    assert.ok(mounted?.includes(secret), `${user} mounts ${secret}`);
  }
});

test('NATS is reached by every pod of ours on its port, by its like on theirs, and by nobody else', async () => {
  const policies = manifests.filter((object): object is V1NetworkPolicy => object.kind === 'NetworkPolicy');
  assert.deepEqual(
    policies.map(({ metadata, spec }) => [metadata?.namespace, spec?.podSelector, spec?.policyTypes]),
    [[namespace, { matchLabels: { 'app.kubernetes.io/name': 'latchkey-nats' } }, ['Ingress']]],
  );
  const allowed = policies[0]?.spec?.ingress?.map((rule) => [Object(rule).from, rule.ports]);
  const ours = { 'app.kubernetes.io/part-of': 'latchkey' };
  assert.deepEqual(allowed, [
    [[{ podSelector: { matchLabels: ours } }], [{ protocol: 'TCP', port: 'client' }]],
    [
      [{ podSelector: { matchLabels: { 'app.kubernetes.io/name': 'latchkey-nats' } } }],
      [{ protocol: 'TCP', port: 6222 }],
    ],
  ]);
  const resolvers = await Promise.all(providers.map(loadResolver));
  const pods = [...manifests, ...resolvers.flat()].flatMap((object: V1Deployment) =>
    object.kind === 'Deployment' ? [object.spec?.template.metadata?.labels] : [],
  );
  assert.equal(pods.length, services.length + providers.length);
  for (const labels of pods) assert.deepEqual({ ...labels, ...ours }, labels);
});

test('the policy for the services leaves each the ports that it has, and the webhook to whoever calls', async () => {
  const text = await readFile(`${root}/deploy/variants/network-policy-services.yaml`, 'utf8');
  const [everyService, gateway] = parseManifests(text) as [V1NetworkPolicy, V1NetworkPolicy];
  const portsOf = ({ spec }: V1NetworkPolicy) =>
    spec?.ingress?.flatMap(({ ports = [] }) => ports.map(({ port }) => port));
  assert.deepEqual([portsOf(everyService), portsOf(gateway)], [['health'], ['webhook']]);
  assert.deepEqual(gateway.spec?.ingress, [{ ports: [{ protocol: 'TCP', port: 'webhook' }] }]);
  for (const { metadata, spec } of deployments()) {
    const names = containerOf(spec?.template).ports?.map(({ name }) => name);
    assert.deepEqual(names?.sort(), metadata?.name === 'gateway' ? ['health', 'webhook'] : ['health']);
  }
});

test('the image holds every folder that the services import from', async () => {
  const dockerfile = await readFile(`${root}/deploy/Dockerfile`, 'utf8');
  for (const folder of ['shared', 'services', 'cli'])
    assert.match(dockerfile, new RegExp(`^COPY ${folder} ./${folder}$`, 'm'));
  assert.match(dockerfile, /^USER 1000:1000$/m);
});
