import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { runLatchkey } from '#testkit/processes/run-latchkey.ts';

const imported = async (input: string, ...options: string[]) => {
  const { code, output, errors } = await runLatchkey(['config', 'import', ...options, '-'], { input });
  assert.equal(code, 0, errors);
  return { config: parse(output), errors };
};
const refused = async (input: string, expected: RegExp, ...options: string[]) => {
  const { code, output, errors } = await runLatchkey(['config', 'import', ...options, '-'], { input });
  assert.deepEqual([code, output], [1, ''], errors);
  assert.match(errors, expected);
};

const core = { serviceName: 'flyte-pod-webhook', secretManagerType: 'AWS' };
const configMap = (name: string, data: Record<string, unknown>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'flyte' },
  data: Object.fromEntries(
    Object.entries(data).map(([key, content]) => [
      key,
      typeof content === 'string' ? content : stringify(content),
    ]),
  ),
});
const propeller = configMap('flyte-propeller-config', { 'core.yaml': { webhook: core } });
/** The chart's own section of the same name: its Deployment. */
const ofChart = { enabled: true, serviceAccount: { create: true } };
const ownSecrets = { adminOauthClientCredentials: { enabled: true, clientId: 'flytepropeller' } };

test('values of flyte-core are read where the chart has the configuration, not where it has its Deployment', async () => {
  const values = { webhook: ofChart, secrets: ownSecrets, configmap: { core: { webhook: core } } };
  for (const given of [values, { configmap: values.configmap }, { flyte: values }]) {
    const { config, errors } = await imported(stringify(given));
    assert.deepEqual(config.chain, ['global', 'aws']);
    assert.match(errors, /^read from (flyte\.)?configmap\.core\.webhook\n/);
  }
  await refused(
    stringify({ webhook: ofChart, secrets: ownSecrets }),
    /no section "webhook" with a field of Flyte's webhook.*others of that name: webhook; secrets\. Instead, give/,
  );
});

test('values of flyte-binary do not tell the name of the object, so that it is said to be a guess', async () => {
  const values = stringify({
    configuration: { inline: { webhook: { secretManagerTypes: ['K8s', 'GCP'] } } },
  });
  const guess = await imported(values);
  assert.deepEqual(guess.config.chain, ['global', 'k8s', 'gcp']);
  assert.equal(guess.config.webhook.configurationName, 'flyte-binary-webhook');
  assert.match(guess.errors, /webhook\.serviceName: .*is a guess/);
  const named = await imported(values, '--object', 'prod-webhook');
  assert.equal(named.config.webhook.configurationName, 'prod-webhook');
  assert.doesNotMatch(named.errors, /guess/);
  await refused(
    stringify({ 'flyte-core-components': {}, configuration: { inline: {} } }),
    /values of the chart flyte-binary without a section of the webhook/,
  );
});

test('a rendered chart and a List are searched through, and the document that counts is named', async () => {
  const templates = configMap('clusterresource-template', { 'aa.yaml': 'name: {{ namespace }}\n' });
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'flyte-pod-webhook' } };
  const rendered = [templates, propeller, service]
    .map((each) => `---\n# Source: x\n${stringify(each)}`)
    .join('');
  const chart = await imported(rendered);
  assert.deepEqual(chart.config.chain, ['global', 'aws']);
  assert.match(chart.errors, /^read from document 2, ConfigMap flyte\/flyte-propeller-config: core\.yaml\n/);
  const list = await imported(stringify({ apiVersion: 'v1', kind: 'List', items: [service, propeller] }));
  assert.match(list.errors, /^read from items\[1\], ConfigMap flyte\/flyte-propeller-config: core\.yaml\n/);
});

test('a megabyte of line ends that is no YAML is given up, and the section beside it read', async () => {
  const noYaml = `${'\n'.repeat(1_000_000)}{{{`;
  const { config } = await imported(JSON.stringify(configMap('any', { a: noYaml, b: { webhook: core } })));
  assert.deepEqual(config.chain, ['global', 'aws']);
});

test('a key of a ConfigMap counts by its text, whatever it is called, and one that is broken says where', async () => {
  const { config } = await imported(stringify(configMap('any', { propeller: { webhook: core } })));
  assert.deepEqual(config.chain, ['global', 'aws']);
  await refused(
    stringify(configMap('any', { 'core.yaml': 'webhook:\n  secretName: "x""\n' })),
    /ConfigMap flyte\/any: core\.yaml cannot be read: it is not JSON or YAML \(line 2, column \d+\)/,
  );
});

test('of several sections one has to be chosen, and copies of one are one', async () => {
  const other = configMap('other', { 'core.yaml': { webhook: { secretManagerType: 'Vault' } } });
  const list = stringify({ kind: 'List', items: [propeller, other] });
  await refused(list, /in 2 places, choose one with --section NUMBER:\n +1\. items\[0\].*\n +2\. items\[1\]/);
  assert.deepEqual((await imported(list, '--section', '2')).config.chain, ['global', 'vault']);
  await refused(list, /in 2 places/, '--section', '3');
  const copy = configMap('backup', { 'core.yaml': { webhook: core } });
  assert.deepEqual((await imported(stringify({ kind: 'List', items: [propeller, copy] }))).config.chain, [
    'global',
    'aws',
  ]);
});

test('a manager that would not be served is refused, and the way over from Flyte 2 is named', async () => {
  const bundled = { secretManagerTypes: ['Embedded'], embeddedSecretManagerConfig: { type: 'K8s' } };
  for (const input of [
    configMap('flyte-binary-config', { '000-core.yaml': { webhook: bundled } }),
    { configuration: { inline: { webhook: { secretManagerTypes: ['AWS', 'Embedded'] } } } },
    {
      configuration: {
        database: { postgres: {} },
        inline: { webhook: { awsSecretManager: { sidecarImage: 'i' } } },
      },
    },
  ]) {
    await refused(stringify(input), /latchkey has no manager "Embedded" .*The way over: put these secrets/);
  }
  await refused(
    stringify({ configuration: { database: { postgres: {} } } }),
    /values of Flyte 2's chart flyte-binary, which configures the manager Embedded/,
  );
  await refused('webhook: {secretManagerType: Conjur}', /latchkey has no manager "Conjur"/);
  const overridden = await imported('webhook: {secretManagerType: Embedded, secretManagerTypes: [K8s]}');
  assert.deepEqual(overridden.config.chain, ['global', 'k8s']);
});

test('a section of unknown fields only is none', async () => {
  await refused('webhook: {colour: blue}', /no section "webhook" with a field of Flyte's webhook/);
  await refused('', /no section "webhook"/);
});

test('what has to follow elsewhere is listed with the names of the configuration', async () => {
  const input = stringify({
    webhook: { serviceName: 'flyte-binary-webhook', secretManagerType: 'Vault' },
    secrets: { 'secrets-prefix': '/etc/globals' },
  });
  const { errors } = await imported(input);
  assert.match(
    errors,
    /^- run the resolver of vault: kubectl apply -f deploy\/variants\/resolver-vault\.yaml$/m,
  );
  assert.match(errors, /^- mount the files of global secrets .* below \/etc\/globals/m);
  assert.match(
    errors,
    /resourceNames: \[flyte-binary-webhook\].*sed 's\/\\\[flyte-pod-webhook\\\]\/\[flyte-binary-webhook\]\/' deploy\/variants\/cert-manager-adopt\.yaml/,
  );
  const json = JSON.parse((await runLatchkey(['config', 'import', '--json', '-'], { input })).output);
  assert.deepEqual(Object.keys(json), ['config', 'remarks', 'section', 'steps']);
});

test('a name that a chart fills in, or that is none, is asked for', async () => {
  const values = stringify({
    configuration: {
      inline: { webhook: { serviceName: '{{ .Release.Name }}-webhook', secretManagerType: 'K8s' } },
    },
  });
  await refused(
    values,
    /webhook\.serviceName .* is no name of an object: give the rendered chart, or .*--object NAME/,
  );
  assert.equal(
    (await imported(values, '--object', 'a-webhook')).config.webhook.configurationName,
    'a-webhook',
  );
  await refused(`webhook: {serviceName: "x'; rm -rf /"}`, /is no name of an object/);
});

test('values that take a part from a Secret or a ConfigMap say what is not in them, and fail', async () => {
  const inline = { webhook: { secretManagerType: 'AWS' } };
  for (const [field, kind] of [
    ['inlineSecretRef', 'Secret'],
    ['inlineConfigMap', 'ConfigMap'],
  ]) {
    const values = { configuration: { inline, [`${field}`]: 'external-services' } };
    for (const given of [values, { flyte: values }]) {
      await refused(
        stringify(given),
        new RegExp(
          `name the ${kind} "external-services" \\((flyte\\.)?configuration\\.${field}\\).*wins over it.*--section 1$`,
          'm',
        ),
      );
    }
    const { config } = await imported(stringify(values), '--section', '1');
    assert.deepEqual(config.chain, ['global', 'aws']);
  }
  const alone = { configuration: { inlineSecretRef: '{{ .Release.Name }}-services' } };
  await refused(stringify(alone), /name the Secret "\{\{ \.Release\.Name \}\}-services"(?!.*--section)/);
  const unset = { configuration: { inline, inlineSecretRef: '', inlineConfigMap: null } };
  assert.deepEqual((await imported(stringify(unset))).config.chain, ['global', 'aws']);
});

test('the Secret that values name is read as a ConfigMap is', async () => {
  const text = stringify({ webhook: { serviceName: 'prod-webhook', secretManagerType: 'GCP' } });
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'external-services', namespace: 'flyte' },
    data: {
      'webhook.yaml': Buffer.from(text).toString('base64'),
      FLYTE_TOKEN: Buffer.from('hunter2: [').toString('base64'),
    },
  };
  const { config, errors } = await imported(stringify(secret));
  assert.deepEqual([config.chain, config.webhook.configurationName], [['global', 'gcp'], 'prod-webhook']);
  assert.match(errors, /^read from Secret flyte\/external-services: webhook\.yaml\n/);
  assert.doesNotMatch(errors, /hunter2/);
  const plain = { ...secret, data: undefined, stringData: { 'webhook.yaml': text } };
  assert.deepEqual((await imported(stringify(plain))).config.chain, ['global', 'gcp']);
});
