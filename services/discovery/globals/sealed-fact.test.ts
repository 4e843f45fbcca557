import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { KeyRing } from '#shared/core/rules/index/key-ring.ts';
import { openValue } from '#shared/core/rules/index/sealed-value.ts';
import { inlineText, sealFact } from './sealed-fact.ts';

const [oldKey, newKey] = [randomBytes(32), randomBytes(32)];
const ringOf = (keys: Record<string, Uint8Array>, sealingKid: string): KeyRing => ({
  keys: new Map(Object.entries(keys)),
  sealingKid,
});
const oldRing = ringOf({ old: oldKey }, 'old');
const name = 'file:team/token';

const sealed = () => {
  const fact = sealFact({ name, version: '1' }, 'value', { ring: oldRing, epoch: 1, before: undefined });
  assert.ok(fact);
  return fact;
};

test('an unchanged value keeps its fact, whatever the epoch and however often its file was written', () => {
  const before = sealed();
  const again = sealFact({ name, version: '2' }, 'value', { ring: oldRing, epoch: 7, before });
  assert.equal(again, before);
});

test('a changed value is sealed anew, with its own epoch and version', () => {
  const before = sealed();
  const changed = sealFact({ name, version: '2' }, 'changed', { ring: oldRing, epoch: 7, before });
  assert.equal(changed?.version, '2');
  assert.equal(changed?.sealed.epoch, 7);
  assert.notEqual(changed?.sealed.nonce, before.sealed.nonce);
});

test('a new current key seals the same value again, and its version stays', () => {
  const ring = ringOf({ old: oldKey, new: newKey }, 'new');
  const rotated = sealFact({ name, version: '2' }, 'value', { ring, epoch: 1, before: sealed() });
  assert.equal(rotated?.version, '1');
  assert.equal(rotated?.sealed.kid, 'new');
});

test('a value whose key is gone, or that was put under another name, is sealed anew', () => {
  const ring = ringOf({ new: newKey }, 'new');
  const place = { owner: 'global', secret: name };
  const before = sealed();
  for (const next of [
    sealFact({ name, version: '2' }, 'value', { ring, epoch: 2, before }),
    sealFact({ name, version: '2' }, 'value', {
      ring: oldRing,
      epoch: 2,
      before: { ...before, sealed: { ...before.sealed, epoch: 9 } },
    }),
  ]) {
    assert.ok(next);
    const opened = openValue(next.sealed, place, ringOf({ old: oldKey, new: newKey }, 'new'));
    assert.deepEqual(opened, { value: 'value' });
    assert.equal(next.sealed.epoch, 2);
  }
});

test('without a sealing key nothing is sealed', () => {
  const ring: KeyRing = { keys: new Map([['a', oldKey]]), sealingKid: undefined };
  assert.equal(sealFact({ name, version: '1' }, 'value', { ring, epoch: 1, before: undefined }), undefined);
});

test('what no variable can hold is refused without being repeated', () => {
  const refused = [Buffer.from([0x61, 0xff]), Buffer.from('zero\0byte'), Buffer.alloc(120 * 1024 + 1, 'x')];
  for (const value of refused) assert.ok('problem' in inlineText(value));
  for (const text of ['', 'ü', '\uFEFFmark', 'line\n'])
    assert.deepEqual(inlineText(Buffer.from(text)), { text });
});
