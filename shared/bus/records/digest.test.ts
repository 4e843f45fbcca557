import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { createDigestSet, recipeDigest } from './digest.ts';

const anyRecords = fc.uniqueArray(fc.tuple(fc.string(), fc.uint8Array()), { selector: ([key]) => key });

function digestOf(records: Iterable<readonly [string, Uint8Array]>): string {
  const set = createDigestSet();
  for (const [key, bytes] of records) set.set(key, bytes);
  return set.digest();
}

test('the digest of one record is the SHA-256 of key, zero byte and bytes', () => {
  const expected = createHash('sha256').update('k8s.recipe\0{"schema":1}').digest('hex');
  assert.equal(digestOf([['k8s.recipe', Buffer.from('{"schema":1}')]]), expected);
});

test('the order of records does not change the digest', () => {
  fc.assert(
    fc.property(anyRecords, (records) => {
      assert.equal(digestOf(records), digestOf([...records].reverse()));
    }),
  );
});

test('after any changes the digest is that of what is left', () => {
  const anyChange = fc.tuple(
    fc.constantFrom('a', 'b', 'c', 'd'),
    fc.option(fc.uint8Array({ maxLength: 2 }), { nil: undefined }),
  );
  fc.assert(
    fc.property(fc.array(anyChange), (changes) => {
      const set = createDigestSet();
      const left = new Map<string, Uint8Array>();
      for (const [key, bytes] of changes) {
        if (bytes === undefined) {
          set.delete(key);
          left.delete(key);
        } else {
          set.set(key, bytes);
          left.set(key, bytes);
        }
      }
      assert.equal(set.digest(), digestOf(left));
      assert.equal(set.count, left.size);
    }),
  );
});

test('a different byte, a moved byte or a missing record changes the digest', () => {
  const digests = [
    digestOf([]),
    digestOf([['ab', Buffer.from('c')]]),
    digestOf([['a', Buffer.from('bc')]]),
    digestOf([['ab', Buffer.from('d')]]),
    digestOf([
      ['ab', Buffer.from('c')],
      ['a', Buffer.from('bc')],
    ]),
  ];
  assert.equal(new Set(digests).size, digests.length);
});

test('a missing recipe has the empty digest', () => {
  assert.equal(recipeDigest(undefined), '');
  assert.equal(recipeDigest(Buffer.from('x')), createHash('sha256').update('x').digest('hex'));
});
