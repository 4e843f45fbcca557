import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { certificateId } from '#shared/certificates/ca-bundle.ts';
import {
  type Authority,
  createAuthority,
  issueCertificate,
} from '#testkit/certificates/certificate-authority.ts';
import { type Cluster, startCluster } from '#testkit/cluster/cluster.ts';
import { anInstallation, createEndpoint, type Installation } from './an-installation.ts';

const name = 'provided';
const secret = 'flyte-pod-webhook-secret';
let cluster: Cluster;
let installation: Installation;
let folder: string;
let first: Authority;
let second: Authority;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-provided-'));
  [first, second] = [await createAuthority(folder, 'first'), await createAuthority(folder, 'second')];
  cluster = await startCluster();
  installation = await anInstallation(cluster, name, {}, { issuer: 'provided' });
});
after(async () => {
  await installation?.stop();
  await cluster?.stop();
  await rm(folder, { recursive: true });
});

const pemOf = ({ certificateFile }: Authority): Promise<string> => readFile(certificateFile, 'utf8');

/** A Secret as cert-manager.io writes it; EC keys. */
async function aSecret(ca: Authority, host = `flyte-pod-webhook.${name}.svc`) {
  const { certificate, key } = await issueCertificate(ca, host);
  return {
    type: 'kubernetes.io/tls',
    metadata: { name: secret, namespace: name },
    stringData: { 'tls.crt': certificate, 'tls.key': key, 'ca.crt': await pemOf(ca) },
  };
}
const core = () => cluster.kubernetes.core;
const replace = async (body: Awaited<ReturnType<typeof aSecret>>) =>
  core().replaceNamespacedSecret({ namespace: name, name: secret, body });
const trusts = (what: string, bundle: string): Promise<unknown> =>
  installation.becomes(what, async () => (await installation.readTrusted()) === bundle);
const says = (pattern: RegExp): Promise<unknown> =>
  installation.becomes(`it to say ${pattern}`, async () => pattern.test(installation.remarks().join()));

test('without a Secret it makes none, and says what is missing', async () => {
  await installation.start();
  await installation.becomes('the reason', async () => /no such Secret/.test(installation.notReady().join()));
  const { items } = await core().listNamespacedSecret({ namespace: name });
  assert.deepEqual(items, []);
  await assert.rejects(installation.readConfiguration());
});

test('a provided Secret is used as it is, and its ca.crt trusted', async () => {
  const { metadata } = await core().createNamespacedSecret({ namespace: name, body: await aSecret(first) });
  await installation.becomesReady();
  await trusts('the provided CA to be trusted', await pemOf(first));
  const stored = await core().readNamespacedSecret({ namespace: name, name: secret });
  assert.equal(stored.metadata?.resourceVersion, metadata?.resourceVersion);
  const { items } = await core().listNamespacedSecret({ namespace: name });
  assert.deepEqual(
    items.map((each) => each.metadata?.name),
    [secret],
  );
});

test('the old CA stays trusted until every endpoint reports a leaf of the new one', async () => {
  const uid = await createEndpoint(cluster, name, 'gateway-0');
  await replace(await aSecret(second));
  const [old, next] = [await pemOf(first), await pemOf(second)];
  await trusts('both CAs to be trusted', next + old);
  const { certificate } = await installation.readServing();
  installation.report(uid, certificateId(new X509Certificate(certificate)));
  await trusts('the old CA to be dropped', next);
});

test('what cannot be right changes no bundle, and is told', async () => {
  const trusted = await installation.readTrusted();
  await replace({
    ...(await aSecret(second)),
    stringData: { ...(await aSecret(second)).stringData, 'ca.crt': '' },
  });
  await says(/ca\.crt holds no certificate/);
  const { stringData } = await aSecret(first);
  await replace({ ...(await aSecret(second)), stringData: { ...stringData, 'ca.crt': trusted } });
  await says(/not signed by/);
  await replace(await aSecret(second, 'elsewhere.example'));
  await says(/does not cover flyte-pod-webhook\.provided\.svc/);
  assert.equal(await installation.readTrusted(), trusted);
  await installation.patchConfiguration('json', [
    { op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' },
  ]);
  await installation.becomes(
    'the drift to be repaired',
    async () => (await installation.readConfiguration()).webhooks?.[0]?.failurePolicy === 'Fail',
  );
  assert.equal(await installation.readTrusted(), trusted);
});

test('taken over by latchkey the provided CA stays trusted while the gateways switch', async () => {
  await replace(await aSecret(second));
  await installation.becomes('it to say nothing', async () => installation.remarks().length === 0);
  const { certificate } = await installation.readServing();
  await installation.stop();
  installation.config.tls.issuer = 'latchkey';
  const body = { metadata: { name: installation.config.tls.caSecretName } };
  await core().createNamespacedSecret({ namespace: installation.name, body });
  await installation.start();
  await installation.becomes('a leaf of the own CA', async () => {
    const [ca, leaf] = [await installation.readCa(), await installation.readServing()];
    return new X509Certificate(leaf.certificate).verify(new X509Certificate(ca.certificate).publicKey);
  });
  const ca = await installation.readCa();
  assert.notEqual((await installation.readServing()).certificate, certificate);
  await trusts('both CAs to be trusted', ca.certificate + (await pemOf(second)));
});
