import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { ownerName } from '#shared/installation/owner-reader.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { refusedError } from '#shared/kubernetes/requests/kubernetes-call.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { createObjectServer } from '#testkit/cluster/object-server.ts';
import { createWebhookRepairs } from './observe/webhook-repairs.ts';
import { createSelfSignedSource } from './self-signed-source.ts';

const namespace = 'latchkey';
const config = latchkeyConfigSchema.parse({ tls: { keyBits: 2048 } });
const log = pino({ level: 'silent' });

/** An API server with the two empty Secrets of deploy/ that refuses what matches. */
function createServer(refused: { pattern: RegExp; statusCode: number; verbs?: string[] }) {
  const server = createObjectServer((call) => {
    const isRefused = refused.pattern.test(call.path) && refused.verbs?.includes(call.verb) !== false;
    if (isRefused) throw refusedError(call, { statusCode: refused.statusCode });
  });
  for (const name of [config.tls.caSecretName, config.tls.servingSecretName]) {
    const metadata = { name, namespace, resourceVersion: '1' };
    server.objects.set(`/api/v1/namespaces/${namespace}/secrets/${name}`, { metadata });
  }
  return server;
}

function aSource(refused: Parameters<typeof createServer>[0]) {
  const { kubernetes, written } = createServer(refused);
  return { source: sourceOf(kubernetes), written };
}

function sourceOf(kubernetes: Kubernetes) {
  const served = { of: () => undefined, all: () => [], onChange: () => undefined, stop: () => undefined };
  const clock = systemClock;
  const repairs = createWebhookRepairs(clock, log);
  return createSelfSignedSource({ kubernetes, config, namespace, served, repairs, log, clock });
}

test('a webhook configuration that may not be read keeps neither the CA nor the leaf from being made', async () => {
  const { source, written } = aSource({ pattern: /mutatingwebhookconfigurations/, statusCode: 403 });
  const recheckMs = await source.reconcile();
  assert.ok(written.includes('latchkey-ca') && written.includes('flyte-pod-webhook-secret'));
  assert.ok(recheckMs !== undefined && recheckMs <= 10_000);
  const status = source.status();
  assert.equal(status?.isCalled, false);
  assert.match(
    status?.unwritable.join() ?? '',
    /may not get mutatingwebhookconfigurations 0-latchkey \(webhook\.configurationName\): allow it/,
  );
});

test('a serving Secret that may not be read keeps neither the CA nor the webhook configuration from being made', async () => {
  const { source, written } = aSource({ pattern: /flyte-pod-webhook-secret/, statusCode: 403 });
  await source.reconcile();
  assert.deepEqual(written, ['latchkey-ca', '0-latchkey']);
  assert.match(source.status()?.unwritable.join() ?? '', /may not get secrets flyte-pod-webhook-secret/);
});

test('a webhook configuration that may not be written keeps the leaf from nothing', async () => {
  const verbs = ['create', 'patch'];
  const { source, written } = aSource({ pattern: /mutatingwebhookconfigurations/, statusCode: 403, verbs });
  await source.reconcile();
  assert.deepEqual(written, ['latchkey-ca', 'flyte-pod-webhook-secret']);
  assert.match(source.status()?.unwritable.join() ?? '', /cannot create mutatingwebhookconfigurations/);
});

test('a read that fails otherwise is tried again before anything is decided', async () => {
  const { source, written } = aSource({ pattern: /mutatingwebhookconfigurations/, statusCode: 503 });
  await assert.rejects(
    source.reconcile(),
    (err) => err instanceof LatchkeyError && err.fields.statusCode === 503,
  );
  assert.deepEqual(written, []);
});

test('the webhook configuration belongs to the ClusterRole', async () => {
  const server = createServer({ pattern: /^$/, statusCode: 403 });
  const role = { metadata: { name: ownerName, uid: 'role-1' } };
  server.objects.set(`/apis/rbac.authorization.k8s.io/v1/clusterroles/${ownerName}`, role);
  await sourceOf(server.kubernetes).reconcile();
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/0-latchkey';
  assert.deepEqual(
    server.objects.get(path)?.metadata.ownerReferences?.map(({ uid }) => uid),
    ['role-1'],
  );
});
