import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { type Cluster, startCluster } from '#testkit/cluster/cluster.ts';
import { createPod } from '#testkit/installation/create-pod.ts';
import { answerGolden, type GoldenCase, readGolden } from '#testkit/pods/golden-case.ts';
import { type AskedSecret, aTaskPod } from '#testkit/pods/task-pod.ts';
import { vaultInjector } from '#tools/vault-k8s/vault-injector.ts';
import { lostAnnotations, readVaultAgent } from './vault-agent.ts';
import { startVaultInjector, type VaultInjector } from './vault-injector.ts';

const namespace = 'flytesnacks-development';
const secretsDir = '/etc/flyte/secrets';
let cluster: Cluster;
let injector: VaultInjector;

before(async () => {
  cluster = await startCluster({
    config: { chain: ['vault'], vault: { role: 'ml-team' } },
    managers: ['vault'],
  });
  await cluster.createNamespace(namespace);
  [injector] = await Promise.all([startVaultInjector(cluster), startLatchkey()]);
});
after(() => cluster?.stop());

async function startLatchkey(): Promise<void> {
  const services = ['cert-manager', 'discovery', 'resolver-vault', 'gateway'];
  await Promise.all(services.map((name) => cluster.startService(name)));
  await Promise.all(cluster.services().map((service) => service.untilReady()));
}

/** A task that may talk to Vault: its agent logs in with the ServiceAccount's token. */
function aVaultTask(name: string, secrets: readonly AskedSecret[]): V1Pod {
  const pod = aTaskPod(namespace, name, secrets);
  return { ...pod, spec: { containers: [], ...pod.spec, automountServiceAccountToken: true } };
}

async function admitted(pod: V1Pod, options: { dryRun?: boolean } = {}): Promise<V1Pod> {
  const answer = await createPod(cluster, pod, options);
  if (!answer.admitted) assert.fail(`${pod.metadata?.name}: ${answer.code} ${answer.message}`);
  return answer.pod;
}

const askedFor: AskedSecret[] = [
  { group: 'secret/one', key: 'password', groupVersion: 'kv1', mount: 'FILE' },
  { group: 'secret/data/two', key: 'api-key', groupVersion: 'kv2', mount: 'FILE' },
  { group: 'database/creds/ro', key: 'user', groupVersion: 'db', mount: 'FILE' },
  { group: 'secret/data/four', key: 'token', mount: 'ANY' },
];

test('the injector is the version that its go.mod pins', async () => {
  const text = await readFile(join(vaultInjector.moduleFolder, 'go.mod'), 'utf8');
  assert.match(text, new RegExp(`\\t${vaultInjector.package} ${vaultInjector.version}\\b`));
});

test('a pod whose annotations latchkey wrote ends with the init container of Vault', async () => {
  await injector.register('vault-agent-injector-cfg', 'Never');
  const pod = await admitted(aVaultTask('both', askedFor));
  const stored = await cluster.kubernetes.core.readNamespacedPod({ namespace, name: 'both' });
  assert.deepEqual(stored.metadata?.annotations, pod.metadata?.annotations);
  assert.equal(stored.metadata?.annotations?.['vault.hashicorp.com/agent-inject-status'], 'injected');
  assert.equal(stored.metadata?.annotations?.['latchkey.dev/injected'] === undefined, false);
  const agent = readVaultAgent(stored);
  assert.equal(agent?.role, 'ml-team');
  const contents = new Map(agent?.templates.map((template) => [template.destination, template.contents]));
  assert.deepEqual(
    [...contents.keys()].sort(),
    askedFor.map(({ group, key }) => `${secretsDir}/${group}/${key}`).sort(),
  );
  const of = (path: string) => contents.get(`${secretsDir}/${path}`) ?? '';
  assert.equal(of('secret/one/password'), '{{- with secret "secret/one" -}}{{ .Data.password }}{{- end -}}');
  assert.match(of('secret/data/two/api-key'), /\.Data\.data.*api-key/);
  assert.match(of('database/creds/ro/user'), /with secret "database\/creds\/ro"/);
  assert.match(of('secret/data/four/token'), /\.Data\.data\.token/);
});

test('Vault’s files are in every container of the task, where flytekit looks for them', async () => {
  const pod = await admitted(aVaultTask('mounts', askedFor), { dryRun: true });
  for (const { volumeMounts = [], env = [] } of pod.spec?.containers ?? []) {
    assert.ok(volumeMounts.some(({ mountPath }) => mountPath === secretsDir));
    assert.equal(env.find(({ name }) => name === 'FLYTE_SECRETS_DEFAULT_DIR')?.value, secretsDir);
  }
});

const vaultCases = readGolden<GoldenCase>('flyte-v1.public.ndjson').filter(({ category }) =>
  category.startsWith('vault-'),
);

/** The pod as latchkey leaves it, to be sent past our own webhook to that of Vault. */
function afterLatchkey(golden: GoldenCase): V1Pod {
  const { metadata, ...pod } = answerGolden(golden).pod as unknown as V1Pod;
  const { labels: _, ...rest } = metadata ?? {};
  return { ...pod, metadata: { ...rest, namespace, name: `golden-${vaultCases.indexOf(golden)}` } };
}

/** A file for every `agent-inject-secret-<id>`, a user's own included: named `<id>` unless an annotation says otherwise. */
function wantedFiles(annotations: Record<string, string>): string[] {
  const prefix = 'vault.hashicorp.com/agent-inject-secret-';
  const ids = Object.keys(annotations).flatMap((name) =>
    name.startsWith(prefix) ? name.slice(prefix.length) : [],
  );
  const dir = annotations['vault.hashicorp.com/secret-volume-path'];
  return ids.map((id) => `${dir}/${annotations[`vault.hashicorp.com/agent-inject-file-${id}`] ?? id}`).sort();
}

test('Vault accepts what latchkey writes in every recorded case of vault', async () => {
  const accounts = vaultCases.flatMap(({ pod }) => (pod as unknown as V1Pod).spec?.serviceAccountName ?? []);
  for (const name of new Set(accounts.filter((account) => account !== 'default'))) {
    await cluster.harness.core.createNamespacedServiceAccount({ namespace, body: { metadata: { name } } });
  }
  for (const golden of vaultCases) {
    const before = afterLatchkey(golden);
    const pod = await admitted(before, { dryRun: true });
    const agent = readVaultAgent(pod);
    assert.ok(agent, golden.id);
    const { annotations = {} } = before.metadata ?? {};
    const wanted = wantedFiles(annotations);
    const files = agent.templates.map(({ destination }) => destination).sort();
    assert.deepEqual(files, wanted, golden.id);
    assert.equal(agent.role, annotations['vault.hashicorp.com/role'], golden.id);
    const lost = lostAnnotations(before, pod).filter((name) => !name.endsWith('/agent-inject-status'));
    assert.deepEqual(lost, [], golden.id);
  }
  assert.equal(vaultCases.length, 17);
});

test('a webhook of Vault that comes first by name needs reinvocationPolicy: IfNeeded', async () => {
  const { admissionRegistration } = cluster.harness;
  await admissionRegistration.deleteMutatingWebhookConfiguration({ name: 'vault-agent-injector-cfg' });
  await injector.register('0-a-vault-injector', 'Never');
  const task = aVaultTask('first', askedFor);
  assert.equal(readVaultAgent(await admitted(task, { dryRun: true })), undefined);
  await admissionRegistration.deleteMutatingWebhookConfiguration({ name: '0-a-vault-injector' });
  await injector.register('0-another-vault-injector', 'IfNeeded');
  assert.ok(readVaultAgent(await admitted(task, { dryRun: true })));
});
