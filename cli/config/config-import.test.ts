import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { runLatchkey } from '#testkit/processes/run-latchkey.ts';
import { importFlyteConfig } from './config-import.ts';
import { readFlyteSection } from './flyte-sections.ts';

/** The ConfigMap of a flyte-core installation, the fields of its webhook as given. */
const configMap = (webhook: object, secrets: object = {}): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'flyte-propeller-config' },
    data: {
      'admin.yaml': 'admin: {endpoint: flyteadmin:81}',
      'core.yaml': stringify({ propeller: { workers: 4 }, webhook }),
      'secrets.yaml': stringify({ secrets }),
      'template.txt': '{{ not yaml',
    },
  });

const importText = (source: string) => importFlyteConfig(readFlyteSection(source, 'file'), 'file');
const importWebhook = (webhook: object, secrets: object = {}) => importText(configMap(webhook, secrets));
const read = (config: object) => latchkeyConfigSchema.parse(config);
const remarked = (webhook: object): string[] => importWebhook(webhook).remarks.map(({ field }) => field);

const run = (args: string[], input: string) => runLatchkey(args, { input });

test('an empty webhook section means what it means to Flyte: global, then Kubernetes Secrets on trust', () => {
  const { config, remarks } = importWebhook({ serviceName: 'flyte-pod-webhook' });
  const { chain, k8s, webhook } = read(config);
  assert.deepEqual(chain, ['global', 'k8s']);
  assert.deepEqual(k8s, { inventory: 'open', namespaces: { selector: { matchLabels: {} } } });
  assert.deepEqual([webhook.configurationName, webhook.adopt], ['flyte-pod-webhook', false]);
  assert.deepEqual(remarks, []);
});

test('each manager becomes the chain, with the names of its section', () => {
  const resources = { requests: { cpu: '50m' }, limits: { memory: '1Gi' } };
  for (const name of ['aws', 'gcp', 'azure'] as const) {
    const section = { sidecarImage: 'registry.example.com/pull:v9', resources };
    const { config } = importWebhook({
      secretManagerType: name.toUpperCase(),
      [`${name}SecretManager`]: section,
    });
    assert.deepEqual(read(config).chain, ['global', name]);
    const { sidecarImage, resources: imported } = read(config)[name];
    assert.deepEqual({ sidecarImage, resources: imported }, section);
  }
  const vault = { role: 'ml-team', kvVersion: 1, annotations: { 'vault.hashicorp.com/namespace': 'admin' } };
  const { config } = importWebhook({ secretManagerType: 'Vault', vaultSecretManager: vault });
  assert.deepEqual(read(config).chain, ['global', 'vault']);
  const { provider: _, ...imported } = read(config).vault;
  assert.deepEqual(imported, { inventory: 'open', ...vault, kvVersion: '1' });
});

test('Flyte reads names without regard to case, and so does the import', () => {
  for (const webhook of [
    { SecretManagerType: 'aws', AWSSecretManager: { SidecarImage: 'i' } },
    { 'secret-manager-type': 'AWS', 'aws-secret-manager': { 'sidecar-image': 'i' } },
    { secretmanagertype: 'Aws', awssecretmanager: { sidecarimage: 'i' } },
  ]) {
    const { chain, aws } = read(importWebhook(webhook).config);
    assert.deepEqual([chain, aws.sidecarImage], [['global', 'aws'], 'i']);
  }
});

test('where global secrets are looked up, the timeout and the selected namespaces are taken over', () => {
  const namespaceSelector = { matchLabels: { flyte: 'tasks' } };
  const { config, remarks } = importWebhook(
    { webhookTimeout: 30, namespaceSelector },
    { 'secrets-prefix': '/etc/globals', 'env-prefix': 'FS_' },
  );
  const { global, webhook, k8s } = read(config);
  assert.deepEqual([global.dir, global.envPrefix, webhook.timeoutSeconds], ['/etc/globals', 'FS_', 30]);
  assert.deepEqual(k8s.namespaces, { selector: namespaceSelector });
  assert.match(remarks[0]?.why ?? '', /another one is denied with 503/);
});

test('one of the files is read as well as the ConfigMap, and a later file wins', () => {
  assert.deepEqual(read(importText('webhook: {secretManagerType: GCP}').config).chain, ['global', 'gcp']);
  const layered = stringify({
    kind: 'ConfigMap',
    data: {
      '100-inline.yaml': 'webhook: {secretManagerType: AWS}',
      '000-core.yaml': 'webhook: {secretManagerType: K8s}',
    },
  });
  assert.deepEqual(read(importText(layered).config).chain, ['global', 'aws']);
});

test('several managers keep their order, and k8s before another one is asked for what exists', () => {
  const { config, remarks } = importWebhook({
    secretManagerType: 'Vault',
    secretManagerTypes: ['K8s', 'AWS'],
  });
  assert.deepEqual(read(config).chain, ['global', 'k8s', 'aws']);
  assert.equal(read(config).k8s.inventory, 'closed');
  assert.match(remarks[0]?.why ?? '', /what exists only/);
});

test('every field without a counterpart is named', () => {
  const webhook = {
    secretName: 'flyte-pod-webhook',
    servicePort: 443,
    listenPort: 9443,
    certDir: '/etc/webhook/certs',
    localCert: false,
    'metrics-prefix': 'flyte:',
    secretEnvVarPrefix: '_UNION_',
    embeddedSecretManagerConfig: { type: 'AWS' },
    imageBuilderConfig: { enabled: true },
    kubeClientConfig: { qps: 100 },
    somethingNew: 1,
    secretManagerType: 'Global',
  };
  const leaves = Object.entries(webhook).map(([name, value]) =>
    [`webhook.${name}`, ...(typeof value === 'object' ? Object.keys(value) : [])].join('.'),
  );
  const remarkable = leaves.filter((leaf) => leaf !== 'webhook.secretManagerType');
  assert.deepEqual(remarked(webhook).sort(), remarkable.sort());
  assert.deepEqual(read(importWebhook(webhook).config).chain, ['global']);
});

test('where GitOps owns the object, latchkey creates none and touches none', () => {
  const { config, remarks } = importWebhook({
    disableCreateMutatingWebhookConfig: true,
    serviceName: 'hook',
  });
  const { manage, configurationName } = read(config).webhook;
  assert.deepEqual([manage, configurationName], [false, '0-latchkey']);
  assert.equal(remarks.length, 1);
});

test('the command prints a file that the services read, with its remarks on stderr, or both as JSON', async () => {
  const input = configMap({ secretManagerType: 'AWS', secretName: 's' });
  const people = await run(['config', 'import', '-'], input);
  assert.equal(people.code, 0);
  assert.deepEqual(read(parse(people.output)).chain, ['global', 'aws']);
  assert.match(people.output, /^ +# true cuts over to latchkey.*\n +adopt: false$/m);
  assert.match(
    people.errors,
    /^read from ConfigMap flyte-propeller-config: core\.yaml\nwebhook\.secretName: latchkey keeps certificates of its own/,
  );
  const machine = await run(['config', 'import', '--json', '-'], input);
  const { config, remarks } = JSON.parse(machine.output);
  assert.deepEqual(config, parse(people.output));
  assert.deepEqual([remarks.length, machine.errors], [1, '']);
});

test('a file that is none, has no webhook section, or holds an impossible value is refused', async () => {
  const refused = async (input: string, expected: RegExp) => {
    const { code, errors, output } = await run(['config', 'import', '-'], input);
    assert.deepEqual([code, output], [1, '']);
    assert.match(errors, expected);
  };
  await refused('a: [', /stdin cannot be read: it is not JSON or YAML \(line 1, column 5\)/);
  await refused('propeller: {workers: 4}', /no section "webhook"/);
  await refused('webhook: {webhookTimeout: 60}', /webhook\.timeoutSeconds/);
  assert.equal((await run(['config'], '')).code, 2);
  assert.equal((await run(['config', 'export', 'x'], '')).code, 2);
});
