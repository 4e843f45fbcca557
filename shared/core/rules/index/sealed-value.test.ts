import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SealedValue } from '#shared/contracts/bus/sealed-value.ts';
import { type KeyRing, parseKeyRing } from './key-ring.ts';
import { nonceBytes, openValue, type SealedPlace, sealValue } from './sealed-value.ts';

const key = randomBytes(32);
const ring: KeyRing = { keys: new Map([['2026-11', key]]), sealingKid: '2026-11' };
const place: SealedPlace = { owner: 'global', secret: 'file:team/token' };
const epoch = 3;

const seal = (value: string, where = place): SealedValue =>
  sealValue(value, { kid: '2026-11', key, place: where, epoch, nonce: randomBytes(nonceBytes) });

/** One bit of base64 content turned over. */
function flip(base64: string, bit: number): string {
  const bytes = Buffer.from(base64, 'base64');
  const at = bit % (bytes.length * 8);
  bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ (1 << (at & 7));
  return bytes.toString('base64');
}

test('what was sealed opens to the same value, and only its length shows', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (value) => {
      const sealed = seal(value);
      assert.deepEqual(openValue(sealed, place, ring), { value });
      assert.equal(Buffer.from(sealed.ct, 'base64').length, Buffer.byteLength(value) + 16);
    }),
  );
});

test('two sealings of one value have nothing in common', () => {
  const [first, second] = [seal('value'), seal('value')];
  assert.notEqual(first.nonce, second.nonce);
  assert.notEqual(first.ct, second.ct);
});

test('a bit turned over anywhere is refused', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.nat(), fc.constantFrom('nonce', 'ct'), (value, bit, part) => {
      const sealed = seal(value);
      const opened = openValue({ ...sealed, [part]: flip(sealed[part], bit) }, place, ring);
      assert.ok('problem' in opened);
    }),
  );
});

test('a value under another secret’s name, another owner or another epoch is refused', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1 }),
      fc.string({ minLength: 1 }),
      fc.integer({ min: 1 }),
      (owner, secret, at) => {
        fc.pre(owner !== place.owner || secret !== place.secret || at !== epoch);
        assert.ok('problem' in openValue({ ...seal('value'), epoch: at }, { owner, secret }, ring));
      },
    ),
  );
});

test('a shortened or empty ciphertext is refused', () => {
  const sealed = seal('value');
  for (let length = 0; length < Buffer.from(sealed.ct, 'base64').length; length += 1) {
    const ct = Buffer.from(sealed.ct, 'base64').subarray(0, length).toString('base64');
    assert.ok('problem' in openValue({ ...sealed, ct }, place, ring), String(length));
  }
  assert.ok('problem' in openValue({ ...sealed, nonce: '' }, place, ring));
});

test('a missing key is named, a wrong key of the same name is refused', () => {
  const missing = openValue(seal('value'), place, { keys: new Map(), sealingKid: undefined });
  assert.deepEqual(missing, { problem: 'the key ring has no key "2026-11"' });
  const other = { keys: new Map([['2026-11', randomBytes(32)]]), sealingKid: undefined };
  assert.ok('problem' in openValue(seal('value'), place, other));
  const long = openValue({ ...seal('value'), kid: 'k'.repeat(900_000) }, place, ring);
  assert.ok('problem' in long && long.problem.length < 200);
});

const files = (contents: Record<string, string | Buffer>): Map<string, Buffer> =>
  new Map(Object.entries(contents).map(([name, content]) => [name, Buffer.from(content)]));

test('a key is 32 bytes or their base64, and the only one seals', () => {
  for (const content of [key, key.toString('base64'), `${key.toString('base64')}\n`]) {
    const parsed = parseKeyRing(files({ a: content }));
    assert.deepEqual(parsed.keys.get('a'), key);
    assert.equal(parsed.sealingKid, 'a');
  }
});

test('of several keys the one named as current seals, and without a name none', () => {
  const keys = { a: key, b: randomBytes(32) };
  assert.equal(parseKeyRing(files({ ...keys, current: 'a\n' })).sealingKid, 'a');
  assert.equal(parseKeyRing(files(keys)).sealingKid, undefined);
  assert.equal(parseKeyRing(files({ ...keys, current: 'c' })).sealingKid, undefined);
  assert.equal(parseKeyRing(files({})).sealingKid, undefined);
});

test('a file that is no key is refused by its name, without its content', () => {
  for (const content of [
    'short',
    `${key.toString('base64')}AAAA`,
    '{not base64 at all, but 44 characters long!!}',
  ]) {
    assert.throws(
      () => parseKeyRing(files({ good: key, 'bad-one': content })),
      (error: Error) => error.message.includes('"bad-one"') && !error.message.includes(content),
    );
  }
});
