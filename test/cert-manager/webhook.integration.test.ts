import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { test } from 'node:test';
import { webhookAdoptionAnnotation } from '#shared/installation/webhook-adoption.ts';
import { desiredWebhookConfiguration, pausedAnnotation } from '#shared/installation/webhook-configuration.ts';
import type { Installation } from './an-installation.ts';
import { useInstallations } from './use-installations.ts';

const installations = useInstallations();

const isRight = async (installation: Installation): Promise<boolean> => {
  const { webhooks } = await installation.readConfiguration();
  const { config, name } = installation;
  const bundle = (await installation.readServing()).bundle;
  const [desired] = desiredWebhookConfiguration(config.webhook, name, bundle).webhooks ?? [];
  const ours = webhooks?.find((webhook) => webhook.name === desired?.name);
  return JSON.stringify(sorted(ours)) === JSON.stringify(sorted(desired));
};

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
};

const foreign = {
  name: 'other.example.org',
  admissionReviewVersions: ['v1'],
  clientConfig: { url: 'https://localhost:1/' },
  sideEffects: 'None',
  objectSelector: { matchLabels: { never: 'matches' } },
};

test('the webhook is stored as it was desired, so that nothing drifts by itself', async () => {
  const installation = await installations.startReady('stored');
  assert.equal(await isRight(installation), true);
  assert.equal(
    installation.logged.some((line) => line.includes('repaired')),
    false,
  );
});

test('input 49: a wiped caBundle, other fields, reordered and removed webhooks and a deleted object are put right', async () => {
  const installation = await installations.startReady('drift');
  const drifts: (() => Promise<unknown>)[] = [
    () =>
      installation.patchConfiguration('json', [{ op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }]),
    () => installation.patchConfiguration('json', [{ op: 'add', path: '/webhooks/0', value: foreign }]),
    () =>
      installation.patchConfiguration('json', [
        { op: 'replace', path: '/webhooks/1/failurePolicy', value: 'Ignore' },
      ]),
    () => installation.patchConfiguration('json', [{ op: 'remove', path: '/webhooks/1' }]),
    () => installation.patchConfiguration('json', [{ op: 'remove', path: '/webhooks' }]),
    () =>
      installations.cluster().kubernetes.admissionRegistration.deleteMutatingWebhookConfiguration({
        name: installation.name,
      }),
  ];
  for (const drift of drifts) {
    await drift();
    await installation.becomes('the webhook to be right', () => isRight(installation));
  }
});

test('an adopted entry that the API server does not take back stops no repair, whoever made the object', async () => {
  const installation = await installations.startReady('unrestorable');
  const managedBy = (value: string | null) => ({ 'app.kubernetes.io/managed-by': value });
  const entry = { ...foreign, name: 'flyte-pod-webhook.flyte.org', failurePolicy: 'Bad' };
  for (const labels of [managedBy('latchkey'), managedBy(null)]) {
    await installation.patchConfiguration('merge', {
      metadata: { labels, annotations: { [webhookAdoptionAnnotation]: JSON.stringify(entry) } },
    });
    await installation.patchConfiguration('json', [
      { op: 'remove', path: '/webhooks/0/clientConfig/caBundle' },
    ]);
    await installation.becomes('the webhook to be right', () => isRight(installation));
    await installation.patchConfiguration('json', [
      { op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' },
    ]);
    await installation.becomes('the webhook to be right', () => isRight(installation));
  }
  assert.ok(installation.logged.some((line) => line.includes('adopted entry cannot be given back')));
});

test('a paused object is left alone until the annotation goes', async () => {
  const installation = await installations.startReady('paused');
  const annotate = (value: string | null) =>
    installation.patchConfiguration('merge', { metadata: { annotations: { [pausedAnnotation]: value } } });
  await annotate('let pods through');
  await installation.patchConfiguration('json', [
    { op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' },
  ]);
  // A Secret that it puts right proves that it has looked since.
  const { uid } = await installation.readServing();
  await installation.deleteSecret('flyte-pod-webhook-secret');
  await installation.becomes('the leaf', async () => (await installation.readServing()).uid !== uid);
  assert.equal((await installation.readConfiguration()).webhooks?.[0]?.failurePolicy, 'Ignore');
  await annotate(null);
  await installation.becomes('the webhook to be right', () => isRight(installation));
});

test('while paused a lost CA changes no leaf that is still trusted', async () => {
  const installation = await installations.startReady('paused-rotation');
  const { certificate } = await installation.readServing();
  const ca = await installation.readCa();
  await installation.patchConfiguration('merge', { metadata: { annotations: { [pausedAnnotation]: '' } } });
  await installation.stop();
  await installation.deleteSecret('latchkey-ca');
  await installation.start();
  await installation.becomes(
    'the bundle of both cas',
    async () =>
      (await installation.readServing()).bundle ===
      (await installation.readCa()).certificate + ca.certificate,
  );
  assert.equal((await installation.readServing()).certificate, certificate);
});

test('without manage it waits for the object and then keeps only the caBundle', async () => {
  const installation = await installations.start('unmanaged', { manage: false });
  await installation.becomes('the reason', async () => /waiting for/.test(installation.notReady().join()));
  const service = { namespace: installation.name, name: 'flyte-pod-webhook' };
  const theirs = {
    ...foreign,
    name: 'flyte-pod-webhook.flyte.org',
    clientConfig: { service },
    timeoutSeconds: 7,
  };
  await installations.cluster().kubectl(
    ['create', '-f', '-'],
    JSON.stringify({
      ...desiredWebhookConfiguration(installation.config.webhook, installation.name, ''),
      webhooks: [foreign, theirs],
    }),
  );
  await installation.becomesReady();
  const trusted = async (): Promise<boolean> =>
    (await installation.readTrusted()) === (await installation.readCa()).certificate;
  await installation.becomes('the caBundle', trusted);
  const { webhooks } = await installation.readConfiguration();
  assert.equal(webhooks?.[1]?.timeoutSeconds, 7);
  assert.equal(webhooks?.[0]?.clientConfig.caBundle, undefined);
});

test('without manage an entry that calls somebody else is refused, told, and left as it is', async () => {
  const installation = await installations.start('unmanaged-foreign', { manage: false });
  const theirs = { ...foreign, name: 'flyte-pod-webhook.flyte.org' };
  const configuration = desiredWebhookConfiguration(installation.config.webhook, installation.name, '');
  await installations
    .cluster()
    .kubectl(['create', '-f', '-'], JSON.stringify({ ...configuration, webhooks: [theirs] }));
  await installation.becomes('the reason', async () =>
    /refusing .* calls somebody else/.test(installation.notReady().join()),
  );
  const { webhooks } = await installation.readConfiguration();
  assert.equal(webhooks?.[0]?.clientConfig.caBundle, undefined);
});

test('the API server itself accepts the certificate', async (t) => {
  const server: Server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const installation = await installations.startReady('called', { url: `https://localhost:${port}` });
  const { certificate, key } = await installation.readServing();
  server.setSecureContext({ cert: certificate, key });
  server.on('request', async (request, response) => {
    const review = (await json(request)) as { request: { uid: string } };
    const { uid } = review.request;
    response.end(
      JSON.stringify({
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        response: { uid, allowed: false, status: { message: `called at ${request.url}` } },
      }),
    );
  });
  await installations.cluster().createNamespace('tasks');
  const body = {
    metadata: { name: 'task', labels: { 'inject-flyte-secrets': 'true' } },
    spec: { containers: [{ name: 'main', image: 'task' }] },
  };
  // The other webhooks of this file answer at no address, and see this namespace too.
  for (const other of installations.all().filter((each) => each !== installation)) {
    await other.stop();
    await installations
      .cluster()
      .kubectl(['delete', 'mutatingwebhookconfiguration', other.name, '--ignore-not-found']);
  }
  await installation.becomes('the API server to call', async () => {
    const answer = await installations
      .cluster()
      .kubernetes.core.createNamespacedPod({ namespace: 'tasks', body })
      .then(String, (err: unknown) => String(err));
    return answer.includes('called at /mutate--v1-pod');
  });
});

test('the webhook configuration belongs to the ClusterRole of deploy/, whose uid cert-manager reads', async () => {
  const installation = await installations.startReady('owned');
  const { rbac } = installations.cluster().harness;
  const role = await rbac.readClusterRole({ name: 'latchkey-cert-manager' });
  const ownerUids = async (): Promise<(string | undefined)[]> =>
    ((await installation.readConfiguration()).metadata?.ownerReferences ?? []).map(({ uid }) => uid);
  assert.deepEqual(await ownerUids(), [role.metadata?.uid]);
  await installation.patchConfiguration('merge', { metadata: { ownerReferences: null } });
  await installation.becomes('the owner again', async () => (await ownerUids()).length === 1);
});
