import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CredentialPluginError } from './credential-plugin.ts';
import { describeNoAnswer } from './no-answer.ts';

const withCode = (message: string, code: string): Error => Object.assign(new Error(message), { code });

test('a server that is not reached is advised about, in the words of the system', () => {
  for (const [cause, words] of [
    [withCode('connect ECONNREFUSED 10.0.0.1:6443', 'ECONNREFUSED'), 'connect ECONNREFUSED 10.0.0.1:6443'],
    [withCode('getaddrinfo ENOTFOUND api.example.com', 'ENOTFOUND'), 'getaddrinfo ENOTFOUND api.example.com'],
    [
      Object.assign(
        new AggregateError([new Error('connect ECONNREFUSED ::1:1'), new Error('and another')], ''),
        {
          code: 'ECONNREFUSED',
        },
      ),
      'connect ECONNREFUSED ::1:1, and another',
    ],
  ] as const) {
    assert.equal(
      describeNoAnswer(cause),
      `the API server gave no answer (${words}); check that it runs and can be reached`,
    );
  }
});

test('a failure that another cause has is told as it is, without advice that would not help', () => {
  for (const message of [
    'self-signed certificate in certificate chain',
    "ENOENT: no such file or directory, open '/home/ops/client.crt'",
    'Invalid character in header content ["Authorization"]',
  ]) {
    const code = message.startsWith('ENOENT') ? 'ENOENT' : 'SELF_SIGNED_CERT_IN_CHAIN';
    assert.equal(
      describeNoAnswer(withCode(message, code)),
      `the request to the API server failed: ${message}`,
    );
  }
  const plugin = new CredentialPluginError('the credential plugin aws ended with exit code 255: log in');
  assert.equal(describeNoAnswer(plugin), plugin.message);
});

test('a request that was given up is told apart from a server that took too long', () => {
  assert.match(describeNoAnswer(new DOMException('', 'TimeoutError')), /gave no answer in time; check/);
  assert.match(describeNoAnswer(new DOMException('', 'AbortError')), /before the request was given up$/);
});

test('a cause is one bounded line', () => {
  const told = describeNoAnswer(new Error(`a\n${'b'.repeat(1_000)}`));
  assert.ok(!told.includes('\n') && told.length < 400, told);
});
