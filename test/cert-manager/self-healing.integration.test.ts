import assert from 'node:assert/strict';
import { createHash, randomUUID, X509Certificate } from 'node:crypto';
import { after, before, type TestContext, test } from 'node:test';
import { certificateId, readBundle } from '#shared/certificates/ca-bundle.ts';
import { generateRsaKeys, issueCaCertificate } from '#shared/certificates/issue-certificate.ts';
import {
  type CaState,
  caStateAnnotation,
  rotateAnnotation,
} from '#shared/contracts/kubernetes/rotation-state.ts';
import { type Cluster, startCluster } from '#testkit/cluster/cluster.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { anInstallation, createEndpoint, type Installation } from './an-installation.ts';

const timeoutMs = 15_000;
const ca = 'latchkey-ca';
const serving = 'flyte-pod-webhook-secret';
const garbage = Buffer.from('garbage').toString('base64');
let cluster: Cluster;
let installation: Installation;
/** How long each repair took, ms. */
const figures: number[] = [];

before(async () => {
  cluster = await startCluster();
  const rotation = { trustWaitSeconds: 1, connectionWaitSeconds: 600, overlapHours: 24 };
  installation = await anInstallation(cluster, 'healing', {}, { rotation });
  gatewayUid = await createEndpoint(cluster, 'healing', 'gateway-0');
  await installation.start();
  await installation.becomesReady();
});
after(async () => {
  await installation?.stop();
  await cluster?.stop();
});

let gatewayUid = '';

/** What must come back: both pairs, the bundles, and the phase. */
async function picture() {
  const [ca, leaf] = [await installation.readCa(), await installation.readServing()];
  const trusted = readBundle(await installation.readTrusted());
  const { webhooks = [] } = await installation.readConfiguration();
  return {
    phase: (await readState()).phase,
    ca: digest(ca.certificate + ca.key),
    next: digest(JSON.stringify(await readNext())),
    leaf: digest(leaf.certificate + leaf.key),
    trusted: trusted.map(certificateId).toSorted(),
    webhooks: webhooks
      .filter(({ name }) => name.startsWith('flyte-pod'))
      .map(({ failurePolicy }) => failurePolicy),
  };
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

async function readNext() {
  const { data } = await cluster.kubernetes.core.readNamespacedSecret({ namespace: 'healing', name: ca });
  return [data?.['next.crt'], data?.['next.key']];
}

async function readState(): Promise<CaState> {
  const { metadata } = await cluster.kubernetes.core.readNamespacedSecret({ namespace: 'healing', name: ca });
  return JSON.parse(metadata?.annotations?.[caStateAnnotation] ?? '{}');
}

const setData = (name: string, data: Record<string, string>, more: object = {}) =>
  installation.patchSecret(name, { data, ...more });

/** Nobody but an operator can mend this: he deletes it, and applies the manifest again. */
async function tearForGood(name: string): Promise<void> {
  await setData(name, { 'tls.key': garbage }, { immutable: true });
  await installation.deleteSecret(name);
}

/** Damages the objects, each in a way that cert-manager must repair. */
const events: Record<string, () => Promise<unknown>> = {
  'CA Secret deleted': () => installation.deleteSecret(ca),
  'CA key is garbage': () => setData(ca, { 'tls.key': garbage }),
  'CA certificate is garbage': () => setData(ca, { 'tls.crt': garbage }),
  'CA key of another': async () => {
    const { key } = await installation.readServing();
    return setData(ca, { 'tls.key': Buffer.from(key).toString('base64') });
  },
  // Before and after the next CA is one, a key of it is left over and goes with the next change.
  'key of the next CA is garbage': async () => {
    if ((await readState()).phase === 'distributing') await setData(ca, { 'next.key': garbage });
  },
  'CA bundle emptied': () => setData(ca, { 'ca.crt': '' }),
  'CA Secret immutable and torn': () => tearForGood(ca),
  'serving Secret deleted': () => installation.deleteSecret(serving),
  'leaf is garbage': () => setData(serving, { 'tls.crt': garbage }),
  'leaf key of another': async () => {
    const { key } = await installation.readCa();
    return setData(serving, { 'tls.key': Buffer.from(key).toString('base64') });
  },
  'leaf is another certificate': async () => {
    const { certificate, key } = issueCaCertificate(await generateRsaKeys(2_048), Date.now(), 86_400_000);
    const encode = (text: string): string => Buffer.from(text).toString('base64');
    return setData(serving, { 'tls.crt': encode(certificate), 'tls.key': encode(key) });
  },
  'serving bundle emptied': () => setData(serving, { 'ca.crt': '' }),
  'serving Secret immutable and torn': () => tearForGood(serving),
  'webhook configuration deleted': () =>
    cluster.kubernetes.admissionRegistration.deleteMutatingWebhookConfiguration({ name: 'healing' }),
  'caBundle wiped': () =>
    installation.patchConfiguration('json', [{ op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }]),
  'webhooks reordered and changed': async () => {
    const { webhooks = [] } = await installation.readConfiguration();
    const other = {
      ...webhooks[0],
      name: `other-${webhooks.length}.example.org`,
      objectSelector: { matchLabels: { never: 'x' } },
    };
    return installation.patchConfiguration('merge', {
      webhooks: [other, ...webhooks.map((each) => ({ ...each, failurePolicy: 'Ignore' }))],
    });
  },
  'webhooks removed': () => installation.patchConfiguration('json', [{ op: 'remove', path: '/webhooks' }]),
};

/** The picture, once all three bundles hold the same CAs. */
async function settledPicture() {
  const whole = await picture();
  for (const { bundle } of [await installation.readCa(), await installation.readServing()]) {
    assert.deepEqual(readBundle(bundle).map(certificateId).toSorted(), whole.trusted);
  }
  return whole;
}

async function healEverything(t: TestContext): Promise<void> {
  // The phase is written before the bundle of it has reached the other two objects.
  const whole = await waitFor(settledPicture, { timeoutMs, what: 'all bundles to be the same' });
  for (const [what, event] of Object.entries(events)) {
    await event();
    const startedMs = performance.now();
    await waitFor(
      async () => {
        assert.deepEqual(await settledPicture(), whole);
        return true;
      },
      { timeoutMs, what: `${what}: to be put right in phase ${whole.phase}`, intervalMs: 10 },
    );
    const tookMs = Math.round(performance.now() - startedMs);
    figures.push(tookMs);
    t.diagnostic(`${whole.phase}: ${what}: ${tookMs} ms`);
  }
}

const rotate = () =>
  installation.patchSecret(ca, { metadata: { annotations: { [rotateAnnotation]: randomUUID() } } });
const untilPhase = (phase: CaState['phase']) =>
  installation.becomes(`phase ${phase}`, async () => (await readState()).phase === phase);

test('while the CA is stable whatever somebody breaks is put right', (t) => healEverything(t));

test('while the next CA is being distributed', async (t) => {
  await installation.stop();
  installation.config.tls.rotation.trustWaitSeconds = 3_600;
  await installation.start();
  await rotate();
  await untilPhase('distributing');
  await healEverything(t);
});

test('while the gateways switch to a leaf of the new CA', async (t) => {
  await installation.stop();
  installation.config.tls.rotation.trustWaitSeconds = 1;
  await installation.start();
  await untilPhase('switching');
  const leafIsNew = async (): Promise<boolean> =>
    new X509Certificate((await installation.readServing()).certificate).verify(
      new X509Certificate((await installation.readCa()).certificate).publicKey,
    );
  await installation.becomes('a leaf of the new CA', leafIsNew);
  await healEverything(t);
});

test('while the old CA is retiring', async (t) => {
  const { certificate } = await installation.readServing();
  installation.report(gatewayUid, certificateId(new X509Certificate(certificate)));
  await untilPhase('retiring');
  await healEverything(t);
});

test('the figures of all repairs', (t) => {
  const sorted = figures.toSorted((left, right) => left - right);
  assert.equal(sorted.length, 4 * Object.keys(events).length);
  t.diagnostic(
    `${sorted.length} repairs: median ${sorted[sorted.length >> 1]} ms, longest ${sorted.at(-1)} ms`,
  );
});
