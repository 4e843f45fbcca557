import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { findCanaries } from './canary-search.ts';

const token = 'Canary0123456789abcdefXYZ';
const canary = { name: 'planted', token, value: `"ü/+ ${token}` };
const bytes = Buffer.from(canary.value);

const disguises = {
  'plain text': `before ${canary.value} after`,
  'upper case': canary.value.toUpperCase(),
  'lower case': canary.value.toLowerCase(),
  JSON: JSON.stringify({ nested: JSON.stringify({ value: canary.value }) }),
  'URL encoding': encodeURIComponent(canary.value),
  'URL encoding of every byte': [...bytes].map((byte) => `%${byte.toString(16)}`).join(''),
  hex: bytes.toString('hex'),
  'upper-case hex': bytes.toString('hex').toUpperCase(),
  base64: bytes.toString('base64'),
  base64url: bytes.toString('base64url'),
  'base64 inside a longer text': Buffer.from(`ab${canary.value}cd`).toString('base64'),
  'base64 of base64': Buffer.from(`x${bytes.toString('base64')}`).toString('base64'),
  'a list of bytes': JSON.stringify(bytes),
  'a hash': createHash('sha256').update(canary.value).digest('base64url'),
};

for (const [disguise, text] of Object.entries(disguises)) {
  test(`a planted value is found as ${disguise}`, () => {
    assert.notDeepEqual(findCanaries([canary], [{ name: 'a log', text }]), []);
  });
}

test('what holds no planted value is not reported', () => {
  const text = JSON.stringify({ ...disguises, other: 'x' }).replaceAll(/[0-9A-Za-z]/g, 'q');
  assert.deepEqual(findCanaries([canary], [{ name: 'a log', text }]), []);
});
