import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { type KubernetesCall, refusedError } from '#shared/kubernetes/requests/kubernetes-call.ts';
import type { KubernetesObject } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { createWebhookRepairs } from './observe/webhook-repairs.ts';
import { createSelfSignedSource } from './self-signed-source.ts';

const namespace = 'latchkey';
const config = latchkeyConfigSchema.parse({ tls: { keyBits: 2048 } });
const log = pino({ level: 'silent' });

/** An API server with the two empty Secrets of deploy/ that refuses reading what matches. */
function createServer(refused: { pattern: RegExp; statusCode: number; verbs?: string[] }) {
  const objects = new Map<string, KubernetesObject>();
  for (const name of [config.tls.caSecretName, config.tls.servingSecretName]) {
    const metadata = { name, namespace, resourceVersion: '1' };
    objects.set(`/api/v1/namespaces/${namespace}/secrets/${name}`, { metadata });
  }
  const written: string[] = [];
  const json = async (call: KubernetesCall): Promise<unknown> => {
    const { verb, path, body } = call;
    const isRefused = refused.pattern.test(path) && refused.verbs?.includes(verb) !== false;
    if (isRefused) throw refusedError(call, { statusCode: refused.statusCode });
    if (verb === 'list') return { metadata: { resourceVersion: '1' }, items: [] };
    if (verb === 'get') {
      const found = objects.get(path);
      if (found === undefined) throw refusedError(call, { statusCode: 404 });
      return found;
    }
    const object = body as KubernetesObject;
    const { name } = object.metadata;
    const key = verb === 'create' ? `${path}/${name}` : path;
    objects.set(key, {
      ...object,
      metadata: { ...object.metadata, resourceVersion: `${written.length + 2}` },
    });
    written.push(name);
    return objects.get(key);
  };
  return { kubernetes: { json } as Kubernetes, written };
}

function aSource(refused: Parameters<typeof createServer>[0]) {
  const { kubernetes, written } = createServer(refused);
  const served = { of: () => undefined, all: () => [], onChange: () => undefined, stop: () => undefined };
  const clock = systemClock;
  const repairs = createWebhookRepairs(clock, log);
  const source = createSelfSignedSource({ kubernetes, config, namespace, served, repairs, log, clock });
  return { source, written };
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
