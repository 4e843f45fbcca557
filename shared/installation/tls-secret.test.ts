import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTlsSecret, tlsSecret } from './tls-secret.ts';

const target = { namespace: 'latchkey', name: 'serving' };
const content = { pair: { certificate: 'CERTIFICATE', key: 'KEY' }, bundle: 'BUNDLE' };

test('what was written is read, and writing it again is no change', () => {
  const secret = tlsSecret(target, content, undefined);
  assert.deepEqual(readTlsSecret(secret), content);
  assert.deepEqual(tlsSecret(target, content, secret), secret);
  assert.equal('annotations' in secret.metadata, false);
});

test('what others put on the Secret stays, its type too', () => {
  const existing = {
    type: 'Opaque',
    metadata: {
      ...target,
      uid: 'u',
      resourceVersion: '7',
      annotations: { theirs: 'x' },
      labels: { theirs: 'x' },
    },
    data: { 'theirs.txt': 'eA==', 'tls.crt': '' },
  };
  const secret = tlsSecret({ ...target, annotations: { ours: 'y' } }, content, existing);
  assert.equal(secret.type, 'Opaque');
  assert.deepEqual(secret.metadata.annotations, { theirs: 'x', ours: 'y' });
  assert.equal(secret.metadata.labels?.theirs, 'x');
  assert.equal(secret.data?.['theirs.txt'], 'eA==');
});

test('a Secret without our keys reads as empty text', () => {
  assert.deepEqual(readTlsSecret({ metadata: target }), { pair: { certificate: '', key: '' }, bundle: '' });
});
