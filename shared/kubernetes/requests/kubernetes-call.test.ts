import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRetryAfterMs, refusedError } from './kubernetes-call.ts';
import { parseResourcePath, resourcePath } from './resource-path.ts';

const call = {
  verb: 'update',
  path: resourcePath({ resource: 'secrets', namespace: 'n', name: 's' }),
} as const;

test('a refusal is told apart by its code', () => {
  const codeOf = (statusCode: number, reason: string) => refusedError(call, { statusCode, reason }).code;
  assert.equal(codeOf(404, 'NotFound'), 'KUBERNETES_NOT_FOUND');
  assert.equal(codeOf(409, 'AlreadyExists'), 'KUBERNETES_EXISTS');
  assert.equal(codeOf(409, 'Conflict'), 'KUBERNETES_CONFLICT');
  assert.equal(codeOf(403, 'Forbidden'), 'KUBERNETES_REFUSED');
});

test('a refusal names verb, resource, namespace and name', () => {
  const error = refusedError(call, { statusCode: 403, reason: 'Forbidden', message: 'no' });
  assert.equal(
    error.message,
    'cannot update secrets s in namespace n: the API server answered 403 Forbidden: no',
  );
  assert.deepEqual(error.fields, {
    verb: 'update',
    resource: 'secrets',
    namespace: 'n',
    name: 's',
    statusCode: 403,
    reason: 'Forbidden',
  });
});

test('the sentence of a 422 is left out, because it quotes values', () => {
  const error = refusedError(call, {
    statusCode: 422,
    reason: 'Invalid',
    message: 'Invalid value: "hunter2"',
  });
  assert.doesNotMatch(error.message, /hunter2/);
});

test('Retry-After is read in seconds and bounded', () => {
  assert.equal(parseRetryAfterMs('2'), 2_000);
  assert.equal(parseRetryAfterMs('999999'), 60_000);
  assert.equal(parseRetryAfterMs('Wed, 21 Oct 2026 07:28:00 GMT'), undefined);
  assert.equal(parseRetryAfterMs(undefined), undefined);
});

test('a path says what it is about', () => {
  const targets = [
    { resource: 'secrets' },
    { resource: 'secrets', namespace: 'n' },
    { resource: 'secrets', namespace: 'n', name: 's' },
    { resource: 'namespaces', name: 'n' },
    { resource: 'mutatingwebhookconfigurations', name: 'latchkey' },
  ] as const;
  for (const target of targets) assert.deepEqual(parseResourcePath(resourcePath(target)), target);
});
