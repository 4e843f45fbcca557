import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import {
  caStateAnnotation,
  leafStateAnnotation,
  rotateAnnotation,
} from '#shared/contracts/kubernetes/rotation-state.ts';
import { webhookAdoptionAnnotation } from '#shared/installation/webhook-adoption.ts';
import { desiredWebhookConfiguration } from '#shared/installation/webhook-configuration.ts';
import type {
  JsonPatchOperation,
  MutatingWebhookConfiguration,
} from '#shared/kubernetes/objects/webhook-configurations.ts';
import { refusedError } from '#shared/kubernetes/requests/kubernetes-call.ts';
import type { KubernetesObject, Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { aSelfSignedPair } from '#testkit/certificates/self-signed-pair.ts';
import { withUnreadableDate } from '#testkit/certificates/with-unreadable-date.ts';
import { createObjectServer } from '#testkit/cluster/object-server.ts';
import { createWebhookRepairs } from './observe/webhook-repairs.ts';
import { createSelfSignedSource } from './self-signed-source.ts';

const namespace = 'latchkey';
const config = latchkeyConfigSchema.parse({ tls: { keyBits: 2048 } });
const log = pino({ level: 'silent' });
const { caSecretName, servingSecretName } = config.tls;
const pathOf = (name: string): string => `/api/v1/namespaces/${namespace}/secrets/${name}`;
const configurationPath = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/0-latchkey';

/**
 * A cert-manager that has issued its certificates, and its API server: that applies patches of the bundle, unless the
 * test says with which status it refuses them, and has endpoints of the names that the test gives.
 */
async function anInstallation(endpoints: string[] = []) {
  let nowMs = 0;
  let refusal: { statusCode: number; of: (operations: JsonPatchOperation[]) => boolean } | undefined;
  const patches: JsonPatchOperation[][] = [];
  const slice = {
    endpoints: endpoints.map((name) => ({ addresses: [name], targetRef: { name, uid: name } })),
  };
  const configuration: MutatingWebhookConfiguration = desiredWebhookConfiguration(
    config.webhook,
    namespace,
    '',
  );
  Object.assign(configuration.metadata, { resourceVersion: '1' });
  const entry = configuration.webhooks?.[0];
  assert.ok(entry);
  const server = createObjectServer((call) => {
    if (call.verb === 'list') return { metadata: {}, items: [{ metadata: { name: 'slice' }, ...slice }] };
    if (call.verb !== 'patch') return undefined;
    const operations = call.body as JsonPatchOperation[];
    patches.push(operations);
    if (refusal?.of(operations)) {
      throw refusedError(call, { statusCode: refusal.statusCode, reason: 'Invalid' });
    }
    const bundle = operations.find(({ path }) => path.endsWith('/caBundle'));
    if (bundle !== undefined) entry.clientConfig.caBundle = String(bundle.value);
    return configuration;
  });
  for (const name of [caSecretName, servingSecretName])
    server.objects.set(pathOf(name), { metadata: { name, namespace, resourceVersion: '1' } });
  server.objects.set(configurationPath, configuration);
  const clock = { ...systemClock, monotonicMs: () => nowMs };
  const served = { of: () => undefined, all: () => [], onChange: () => undefined, stop: () => undefined };
  const repairs = createWebhookRepairs(clock, log);
  const { kubernetes } = server;
  const source = createSelfSignedSource({ kubernetes, config, namespace, served, repairs, log, clock });
  await source.reconcile();
  const secret = (name: string): Secret => server.objects.get(pathOf(name)) as Secret;
  const leaf = (): string => secret(servingSecretName).data?.['tls.crt'] ?? '';
  assert.notEqual(leaf(), '');
  return {
    configuration,
    entry,
    patches,
    source,
    secret,
    leaf,
    refuse: (statusCode: number, of: (operations: JsonPatchOperation[]) => boolean = () => true) => {
      refusal = { statusCode, of };
    },
    /** As the loop does it: a lost race is followed by another try. */
    reconcile: async () => {
      for (let tries = 0; tries < 3; tries += 1) {
        const failure = await source.reconcile().catch((err: unknown) => err);
        if (!(failure instanceof Error)) return;
      }
    },
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

function annotate({ metadata }: KubernetesObject, annotations: Record<string, string>): void {
  metadata.annotations = { ...metadata.annotations, ...annotations };
}

const unrestorable = ['x', '{"name":"flyte-pod-webhook.flyte.org"}', 'null', '[]', '7', '{"__proto__":null}'];

test('an annotation that cannot be given back keeps neither leaf nor bundle from being written, and is named', async () => {
  const { configuration, entry, secret, leaf, reconcile, source, pass } = await anInstallation();
  const { caBundle } = entry.clientConfig;
  for (const text of unrestorable) {
    annotate(configuration, { [webhookAdoptionAnnotation]: text });
    annotate(secret(servingSecretName), { [rotateAnnotation]: text });
    entry.clientConfig.caBundle = '';
    // So long that another wipe is no fight.
    pass(3_600_000);
    const before = leaf();
    await reconcile();
    assert.notEqual(leaf(), before, text);
    assert.equal(entry.clientConfig.caBundle, caBundle);
    assert.match(source.status()?.problems.join() ?? '', /latchkey\.dev\/adopted .* could be given back/);
  }
});

test('an entry that the API server does not take back is tried once, and keeps nothing from being written', async () => {
  const { configuration, entry, leaf, secret, reconcile, source, pass, patches, refuse } =
    await anInstallation();
  const isRestoring = (operations: JsonPatchOperation[]): boolean =>
    operations.some(({ op, path }) => op !== 'test' && path === '/webhooks/0');
  const tries = (): number => patches.filter(isRestoring).length;
  const { caBundle } = entry.clientConfig;
  const adopted = (failurePolicy: string): void =>
    annotate(configuration, {
      [webhookAdoptionAnnotation]: JSON.stringify({
        ...entry,
        failurePolicy,
        clientConfig: { url: 'https://flyte.example' },
      }),
    });
  delete configuration.metadata.labels;
  refuse(422, isRestoring);
  adopted('Bad');
  for (let minute = 0; minute < 60; minute += 1) {
    if (minute % 30 === 0) entry.clientConfig.caBundle = '';
    await reconcile();
    assert.equal(entry.clientConfig.caBundle, caBundle);
    pass(60_000);
  }
  assert.equal(tries(), 1);
  assert.match(source.status()?.problems.join() ?? '', /latchkey\.dev\/adopted .* could be given back/);
  const before = leaf();
  annotate(secret(servingSecretName), { [rotateAnnotation]: 'again' });
  await reconcile();
  assert.notEqual(leaf(), before);
  adopted('Worse');
  await reconcile();
  assert.equal(tries(), 2);
});

test('a patch that the API server always refuses keeps no leaf from being renewed, and is named', async () => {
  for (const statusCode of [400, 403, 409, 413, 422, 500, 503]) {
    const { refuse, entry, secret, leaf, reconcile, source } = await anInstallation();
    refuse(statusCode);
    entry.failurePolicy = 'Ignore';
    annotate(secret(servingSecretName), { [rotateAnnotation]: 'again' });
    const before = leaf();
    await reconcile();
    assert.notEqual(leaf(), before, `${statusCode}`);
    assert.match(source.status()?.unwritable.join() ?? '', /cannot patch mutatingwebhookconfigurations/);
    assert.ok(source.status()?.refused.some(({ write, count }) => write === 'repair-webhook' && count > 0));
  }
});

test('a refused patch is repeated ever more rarely, until it is needed no more', async () => {
  const { refuse, entry, reconcile, pass, patches, source } = await anInstallation();
  patches.length = 0;
  refuse(413);
  entry.failurePolicy = 'Ignore';
  for (let second = 0; second < 600; second += 1) {
    await reconcile();
    pass(1_000);
  }
  assert.ok(patches.length >= 10 && patches.length <= 30, `${patches.length} patches in ten minutes`);
  assert.match(source.status()?.unmanagedReason ?? '', /413/);
  entry.failurePolicy = 'Fail';
  await reconcile();
  const { unmanagedReason, unwritable } = source.status() ?? {};
  assert.deepEqual([unmanagedReason, unwritable], [undefined, []]);
});

test('a CA state of a later version is kept, named, and keeps no leaf from being renewed', async () => {
  const { reconcile, secret, leaf, source } = await anInstallation();
  const state = '{"version":2,"phase":"later"}';
  annotate(secret(caSecretName), { [caStateAnnotation]: state });
  annotate(secret(servingSecretName), { [rotateAnnotation]: 'again' });
  const before = leaf();
  await reconcile();
  assert.notEqual(leaf(), before);
  assert.equal(secret(caSecretName).metadata.annotations?.[caStateAnnotation], state);
  assert.match(source.status()?.unwritable.join() ?? '', /does not know: run the version that wrote it/);
});

test('a certificate whose dates cannot be read is replaced at once, in either Secret', async () => {
  for (const which of ['notBefore', 'notAfter'] as const) {
    const pair = withUnreadableDate(aSelfSignedPair(Date.now()), which);
    const [certificate, key] = [pair.certificate, pair.key].map((pem) => Buffer.from(pem).toString('base64'));
    for (const name of [caSecretName, servingSecretName]) {
      const { reconcile, secret, source } = await anInstallation();
      secret(name).data = { ...secret(name).data, 'tls.crt': certificate ?? '', 'tls.key': key ?? '' };
      await reconcile();
      assert.notEqual(secret(name).data?.['tls.crt'], certificate, `${which} in ${name}`);
      await assert.doesNotReject(source.reconcile());
    }
  }
});

test('a CA state that is no state is replaced', async () => {
  for (const state of ['x', '{}', 'null', '']) {
    const { reconcile, secret } = await anInstallation();
    annotate(secret(caSecretName), { [caStateAnnotation]: state });
    await reconcile();
    assert.match(secret(caSecretName).metadata.annotations?.[caStateAnnotation] ?? '', /"version":1/);
  }
});

test('names of endpoints and ids of requests, however many and long, leave the states small', async () => {
  const endpoints = Array.from({ length: 5_000 }, (_, at) => `${at}`.padEnd(2_000, 'x'));
  const { reconcile, secret } = await anInstallation(endpoints);
  for (const name of [caSecretName, servingSecretName])
    annotate(secret(name), { [rotateAnnotation]: 'r'.repeat(200_000) });
  await reconcile();
  for (const [name, annotation] of [
    [caSecretName, caStateAnnotation],
    [servingSecretName, leafStateAnnotation],
  ] as const) {
    const state = secret(name).metadata.annotations?.[annotation] ?? '';
    assert.ok(state.length > 0 && state.length < 16_384, `${state.length}`);
  }
});
