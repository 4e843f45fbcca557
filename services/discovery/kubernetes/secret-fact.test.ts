import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secretFact } from './secret-fact.ts';

test('a Secret becomes its names and version, never its values', () => {
  const secret = {
    metadata: { name: 'db', namespace: 'team', resourceVersion: '12' },
    type: 'Opaque',
    data: { user: 'Y2FuYXJ5', password: 'Y2FuYXJ5' },
  };
  assert.deepEqual(secretFact(secret, 2), {
    namespace: 'team',
    name: 'db',
    keys: ['password', 'user'],
    resourceVersion: '12',
  });
});

test('tokens, Helm releases and latchkey’s own Secrets are never offered', () => {
  const metadata = { name: 'x', namespace: 'team' };
  assert.equal(secretFact({ metadata, type: 'kubernetes.io/service-account-token' }, 2), undefined);
  assert.equal(secretFact({ metadata, type: 'helm.sh/release.v1' }, 2), undefined);
  assert.equal(secretFact({ metadata: { ...metadata, name: 'latchkey-global-0' } }, 2), undefined);
});

test('of a Secret with too many keys nothing is kept but its name', () => {
  const metadata = { name: 'big', namespace: 'team', resourceVersion: '1' };
  const fact = secretFact({ metadata, data: { a: '', b: '', c: '' } }, 2);
  assert.deepEqual([fact?.keys, fact?.leftOut], [[], 'keys']);
});
