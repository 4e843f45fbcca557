import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { runLatchkey } from '#testkit/processes/run-latchkey.ts';

const print = (args: string[], input = '') => runLatchkey(['init-certs', '--print', ...args], { input });
const certificateIn = (document: { data: Record<string, string> }): X509Certificate =>
  new X509Certificate(Buffer.from(document.data['tls.crt'] ?? '', 'base64'));
/** Certificates and keys differ each time. */
const layoutOf = (text: string): string => text.replaceAll(/[A-Za-z0-9+/=]{200,}/g, '*');

test('the Secrets are printed without a cluster, always in the same layout', async () => {
  const { code, output } = await print([]);
  assert.equal(code, 0);
  assert.equal(layoutOf((await print([])).output), layoutOf(output));
  const [ca, leaf, ...rest] = parseAllDocuments(output).map((document) => document.toJS());
  assert.deepEqual(rest, []);
  assert.deepEqual(
    [ca, leaf].map(({ kind, type, metadata }) => [kind, type, metadata.namespace, metadata.name]),
    [
      ['Secret', 'kubernetes.io/tls', 'latchkey', 'latchkey-ca'],
      ['Secret', 'kubernetes.io/tls', 'latchkey', 'flyte-pod-webhook-secret'],
    ],
  );
  assert.ok(certificateIn(leaf).verify(certificateIn(ca).publicKey));
  assert.ok(certificateIn(leaf).checkHost('flyte-pod-webhook.latchkey.svc', { subject: 'never' }));
});

test('the configuration is honoured, and what nobody else would create is printed too', async () => {
  const yaml = 'webhook: {manage: false, configurationName: theirs}\ntls: {caSecretName: own-ca}\n';
  const { output } = await print(['--config', '-', '-n', 'flyte'], yaml);
  const [ca, leaf, configuration] = parseAllDocuments(output).map((document) => document.toJS());
  assert.deepEqual([ca.metadata.name, leaf.metadata.namespace], ['own-ca', 'flyte']);
  assert.equal(configuration.kind, 'MutatingWebhookConfiguration');
  assert.equal(configuration.metadata.name, 'theirs');
  assert.equal(configuration.webhooks[0].clientConfig.caBundle, ca.data['tls.crt']);
});

test("a certificate that is somebody else's is not made", async () => {
  const { code, output, errors } = await print(['--config', '-'], 'tls: {issuer: provided}');
  assert.deepEqual([code, output], [1, '']);
  assert.match(errors, /CONFIG_INVALID: - has tls\.issuer: provided/);
});

test('options that mean nothing together are refused', async () => {
  for (const args of [['--force'], ['--json'], ['more']])
    assert.equal((await print(args)).code, 2, args.join());
});
