import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { copiesWithin, isCopyName, planGlobalCopies } from './global-copies.ts';

const value = (bytes: number): Uint8Array => new Uint8Array(bytes);

test('every global has one place, and stands there', () => {
  const global = fc.record({
    name: fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }),
    value: fc.uint8Array(),
  });
  fc.assert(
    fc.property(fc.uniqueArray(global, { selector: ({ name }) => name }), (globals) => {
      const plan = planGlobalCopies(globals);
      assert.deepEqual(plan, planGlobalCopies(globals.toReversed()));
      const places = new Set(Array.from(plan.placement.values(), (place) => JSON.stringify(place)));
      assert.equal(places.size, globals.length);
      for (const { name, value: bytes } of globals) {
        const place = plan.placement.get(name);
        assert.match(place?.secretKey ?? '', /^[-._a-zA-Z0-9]+$/);
        assert.match(place?.secretName ?? '', /^latchkey-global-[0-9a-f](-\d+)?$/);
        assert.ok(isCopyName(place?.secretName ?? ''));
        const data = plan.copies.get(place?.secretName ?? '');
        assert.equal(data?.[place?.secretKey ?? ''], Buffer.from(bytes).toString('base64'));
      }
    }),
  );
});

test('a shard that is full flows over into the next Secret, none above 900 KiB', () => {
  const globals = Array.from({ length: 60 }, (_, index) => ({
    name: `file:g/${index}`,
    value: value(300 * 1024),
  }));
  const { copies, placement } = planGlobalCopies(globals);
  assert.equal(placement.size, 60);
  assert.ok([...copies.keys()].some((name) => name.endsWith('-1')));
  for (const data of copies.values()) {
    const bytes = Object.entries(data).map(([key, text]) => key.length + Buffer.from(text, 'base64').length);
    assert.ok(bytes.reduce((sum, size) => sum + size, 0) <= 900 * 1024);
  }
});

test('what no Secret can hold is reported and keeps the rest from nothing', () => {
  const { placement, refused } = planGlobalCopies([
    { name: 'file:g/large', value: value(901 * 1024) },
    { name: `file:g/${'k'.repeat(300)}`, value: value(1) },
    { name: 'env:G_K', value: value(1) },
  ]);
  assert.deepEqual([...placement.keys()], ['env:G_K']);
  assert.deepEqual(refused.map(({ name }) => name.slice(0, 12)).sort(), ['file:g/kkkkk', 'file:g/large']);
});

test('globals that fill the ten Secrets of their digit are reported one by one, each other has its place', () => {
  const shared = value(600 * 1024);
  const globals = Array.from({ length: 300 }, (_, index) => ({ name: `env:T${index}_K`, value: shared }));
  const { copies, placement, refused } = planGlobalCopies(globals);
  assert.equal(placement.size + refused.length, 300);
  assert.ok(refused.length > 0 && copies.size === placement.size && copies.size <= 160);
  assert.ok([...copies.keys()].every(isCopyName));
});

test('a namespace holds the part that it may have, each secret at the place that it has everywhere', () => {
  const names = Array.from({ length: 40 }, (_, index) => `env:T${index}_K`);
  const plan = planGlobalCopies(names.map((name) => ({ name, value: value(1) })));
  assert.deepEqual(
    copiesWithin(plan, () => true),
    plan.copies,
  );
  const part = copiesWithin(plan, (name) => name === 'env:T7_K');
  const place = plan.placement.get('env:T7_K');
  assert.deepEqual([...part], [[place?.secretName, { [place?.secretKey ?? '']: 'AA==' }]]);
  assert.equal(copiesWithin(plan, () => false).size, 0);
});
