import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { type KubernetesCall, refusedError } from '#shared/kubernetes/requests/kubernetes-call.ts';
import { patchWebhookConfiguration } from './webhook-configurations.ts';

/** What a patch rejects with when the API server answers so. */
async function rejectionOf(statusCode: number, reason: string): Promise<LatchkeyError> {
  const answer = (call: KubernetesCall) =>
    Promise.reject(refusedError(call, { statusCode, reason, message: 'caBundle: "hunter2"' }));
  const kubernetes = { json: answer, stream: answer, close: () => undefined };
  const operations = [{ op: 'test', path: '/webhooks/0/name', value: 'w' }] as const;
  const error: unknown = await patchWebhookConfiguration(kubernetes, 'latchkey', operations).catch(
    (err: unknown) => err,
  );
  assert.ok(error instanceof LatchkeyError);
  return error;
}

test('a patch that does not fit what is there is a conflict: somebody else came first', async () => {
  const error = await rejectionOf(422, 'Invalid');
  assert.equal(error.code, 'KUBERNETES_CONFLICT');
  assert.equal(error.fields.statusCode, 422);
  assert.match(error.message, /latchkey was changed meanwhile/);
  assert.doesNotMatch(error.message, /hunter2/);
});

test('a patch that is refused for another reason is no conflict', async () => {
  assert.equal((await rejectionOf(403, 'Forbidden')).code, 'KUBERNETES_REFUSED');
  assert.equal((await rejectionOf(404, 'NotFound')).code, 'KUBERNETES_NOT_FOUND');
});
