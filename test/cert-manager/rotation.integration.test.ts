import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { certificateId, readBundle } from '#shared/certificates/ca-bundle.ts';
import {
  type CaState,
  caRotationStateSchema,
  caStateAnnotation,
  type LeafState,
  leafRotationStateSchema,
  leafStateAnnotation,
  rotateAnnotation,
} from '#shared/contracts/kubernetes/rotation-state.ts';
import { usualConfigurationName } from '#shared/installation/webhook-configuration.ts';
import { installationNamespace } from '#testkit/cluster/manifests.ts';
import { readSamples } from '#testkit/installation/read-samples.ts';
import { type RunningInstallation, startInstallation } from '#testkit/installation/running-installation.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createEndpoint } from './an-installation.ts';
import { startFreshCalls } from './fresh-calls.ts';

const namespace = installationNamespace;
const timeoutMs = 60_000;
/** Longer than what a gateway needs to load a new pair here: kubelet 200 ms, poll 1 s. */
const rotation = { trustWaitSeconds: 1, connectionWaitSeconds: 3, overlapHours: 1 / 3_600 };
const caSecret = 'latchkey-ca';
const servingSecret = 'flyte-pod-webhook-secret';
let installation: RunningInstallation;

before(async () => {
  installation = await startInstallation({ gateways: 3, config: { tls: { rotation } } });
});
after(() => installation?.stop());

const readSecret = (name: string) =>
  installation.cluster.kubernetes.core.readNamespacedSecret({ namespace, name });
const decode = (base64 = ''): string => Buffer.from(base64, 'base64').toString();
const annotate = (name: string, id: string): Promise<unknown> =>
  installation.cluster.kubectl([
    'annotate',
    'secret',
    name,
    '-n',
    namespace,
    '--overwrite',
    `${rotateAnnotation}=${id}`,
  ]);

async function readCaState(): Promise<CaState> {
  const { metadata } = await readSecret(caSecret);
  return caRotationStateSchema.parse(JSON.parse(metadata?.annotations?.[caStateAnnotation] ?? ''));
}

async function readLeafState(): Promise<LeafState> {
  const { metadata } = await readSecret(servingSecret);
  return leafRotationStateSchema.parse(JSON.parse(metadata?.annotations?.[leafStateAnnotation] ?? ''));
}

const readConfiguration = () =>
  installation.cluster.kubernetes.admissionRegistration.readMutatingWebhookConfiguration({
    name: usualConfigurationName,
  });
/** The API server counts the changes of the webhooks. */
const readGeneration = async (): Promise<number> =>
  (await readConfiguration()).metadata?.generation ?? assert.fail();

/** Ids of the CAs in the CA Secret, the serving Secret and the webhook configuration. */
async function readBundles(): Promise<string[][]> {
  const [ca, serving] = [await readSecret(caSecret), await readSecret(servingSecret)];
  const { webhooks = [] } = await readConfiguration();
  return [ca.data?.['ca.crt'], serving.data?.['ca.crt'], webhooks[0]?.clientConfig.caBundle].map((bundle) =>
    readBundle(decode(bundle)).map(certificateId),
  );
}

const untilCa = (what: string, is: (state: CaState) => boolean): Promise<CaState> =>
  waitFor(
    async () => {
      const state = await readCaState();
      if (is(state)) return state;
      throw new Error(JSON.stringify(state));
    },
    { timeoutMs, what },
  );
const untilServed = (): Promise<LeafState> =>
  waitFor(
    async () => {
      const state = await readLeafState();
      if (state.served) return state;
      throw new Error(JSON.stringify(state));
    },
    { timeoutMs, what: 'every gateway to servedCondition the leaf' },
  );
const isDone = (id: string) => (state: CaState) => state.phase === 'stable' && state.handled === id;

/** Every bundle comes to hold one CA, another one than before, and every gateway serves a leaf of it. */
async function assertRotated(before: string[][]): Promise<void> {
  const bundles = await waitFor(
    async () => {
      const current = await readBundles();
      if (new Set(current.flat()).size === 1 && current.every(({ length }) => length === 1)) return current;
      throw new Error(JSON.stringify(current));
    },
    { timeoutMs, what: 'one CA in every bundle' },
  );
  assert.notDeepEqual(bundles[0], before[0]);
  await untilServed();
}

/** Nothing that opens a connection during `work` is refused. */
async function withFreshCalls(t: TestContext, work: () => Promise<void>): Promise<void> {
  const calls = startFreshCalls(installation.cluster);
  await work().finally(async () => {
    const { verified, refused, unreachable } = await calls.stop();
    t.diagnostic(
      `${verified} new connections verified, ${refused.length} refused, ${unreachable} met no server`,
    );
    assert.deepEqual(refused, []);
    assert.notEqual(verified, 0);
  });
}

test('a requested rotation of the CA ends in one new CA after two new bundles, and no new connection is refused', (t) =>
  withFreshCalls(t, async () => {
    await untilServed();
    const bundles = await readBundles();
    const generation = await readGeneration();
    const startedMs = performance.now();
    await annotate(caSecret, 'first');
    await untilCa('the rotation to end', isDone('first'));
    t.diagnostic(`${Math.round(performance.now() - startedMs)} ms for one rotation`);
    await assertRotated(bundles);
    assert.equal(await readGeneration(), generation + 2);
  }));

test('a requested leaf is made and served, of the same CA', (t) =>
  withFreshCalls(t, async () => {
    const before = await untilServed();
    const bundles = await readBundles();
    await annotate(servingSecret, 'leaf');
    await waitFor(async () => (await readLeafState()).handled === 'leaf', {
      timeoutMs,
      what: 'the new leaf',
    });
    const state = await untilServed();
    assert.notEqual(state.fingerprint, before.fingerprint);
    assert.deepEqual(await readBundles(), bundles);
  }));

test('a gateway that stands still blocks the rotation and is named, until it goes on', (t) =>
  withFreshCalls(t, async () => {
    const bundles = await readBundles();
    const gateway = installation.gateways[1] ?? assert.fail();
    gateway.signal('SIGSTOP');
    await annotate(caSecret, 'stopped');
    const named = await untilCa('the gateway to be named', ({ waitingFor }) =>
      waitingFor.includes(gateway.name),
    );
    assert.equal(named.phase, 'switching');
    assert.match(await installation.certManager.readLog(), new RegExp(`waitingFor.*${gateway.name}`));
    const { ports } = installation.certManager;
    const samples = readSamples(await (await fetch(`http://127.0.0.1:${ports.health}/metrics`)).text());
    const waiting = samples.filter(({ name }) => name === 'latchkey_rotation_waiting');
    assert.ok(waiting.some(({ labels }) => labels.endpoint === gateway.name));
    gateway.signal('SIGCONT');
    await untilCa('the rotation to end', isDone('stopped'));
    await assertRotated(bundles);
  }));

test('an endpoint that connections reach but nobody hears of blocks the rotation and is named', async () => {
  const { discovery } = installation.cluster.harness;
  const bundles = await readBundles();
  await createEndpoint(installation.cluster, namespace, 'gateway-silent');
  await annotate(caSecret, 'silent');
  const isAlone = ({ waitingFor }: CaState) => `${waitingFor}` === 'gateway-silent';
  const { phase } = await untilCa('only the endpoint to be named', isAlone);
  assert.equal(phase, 'switching');
  await discovery.deleteNamespacedEndpointSlice({ namespace, name: 'gateway-silent' });
  await untilCa('the rotation to end', isDone('silent'));
  await assertRotated(bundles);
});

test('a rotation goes on where it was when cert-manager is killed in its middle', (t) =>
  withFreshCalls(t, async () => {
    const bundles = await readBundles();
    await annotate(caSecret, 'killed');
    await untilCa('both CAs to be distributed', ({ phase }) => phase === 'distributing');
    installation.certManager.signal('SIGKILL');
    await untilCa('the next phase', ({ phase }) => phase === 'switching' || phase === 'retiring');
    installation.certManager.signal('SIGKILL');
    const { rotation: running } = await untilCa('the rotation to end', isDone('killed'));
    assert.equal(running, undefined);
    await assertRotated(bundles);
  }));

test('a request is refused while a rotation runs and while the webhook configuration is paused', async () => {
  const pause = (value: string): Promise<unknown> =>
    installation.cluster.kubectl(['annotate', 'mutatingwebhookconfiguration', usualConfigurationName, value]);
  await pause('latchkey.dev/paused=here');
  await annotate(caSecret, 'paused');
  const paused = await untilCa('the refusal', ({ refused }) => refused?.id === 'paused');
  assert.match(paused.refused?.reason ?? '', /paused/);
  await pause('latchkey.dev/paused-');
  await annotate(caSecret, 'runs');
  await untilCa('the rotation to begin', ({ phase }) => phase !== 'stable');
  await annotate(caSecret, 'another');
  const refused = await untilCa('the refusal', (state) => state.refused?.id === 'another');
  assert.match(refused.refused?.reason ?? '', /under way/);
  await untilCa('the rotation to end', ({ phase }) => phase === 'stable');
});
