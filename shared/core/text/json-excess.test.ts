import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { propertyRuns } from '#testkit/properties/property-runs.ts';
import { findJsonExcess } from './json-excess.ts';

const [strings, parts, shapes] = Array(3).fill(Number.POSITIVE_INFINITY) as [number, number, number];
const none = { strings, parts, shapes };
const excess = (value: unknown, limits: Partial<typeof none>) =>
  findJsonExcess(Buffer.from(JSON.stringify(value)), { ...none, ...limits });

function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    ...(Array.isArray(value) ? [] : [key]),
    ...stringsOf(inner),
  ]);
}

test('of any JSON the different strings are counted, whatever is in them', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const strings = new Set(stringsOf(value).map((text) => JSON.stringify(text).slice(1, -1))).size;
      assert.equal(excess(value, { strings }), undefined);
      if (strings > 0) assert.equal(excess(value, { strings: strings - 1 }), 'strings');
    }),
    propertyRuns,
  );
});

test('lists, objects and commas are counted, but for those in strings', () => {
  const value = { 'a,[{"': [1, 2, { b: ',,,' }], c: [] };
  assert.equal(excess(value, { parts: 7 }), undefined);
  assert.equal(excess(value, { parts: 6 }), 'parts');
});

test('strings that differ within 128 bytes or in length are different, and a repeated one counts once', () => {
  const texts = Array.from({ length: 3_000 }, (_, index) => [
    `${index}`,
    `${'x'.repeat(123)}${index}`,
  ]).flat();
  assert.equal(excess([texts, texts], { strings: 6_000 }), undefined);
  assert.equal(excess([texts, texts], { strings: 5_999 }), 'strings');
});

/** The sequences of keys with which the objects of a value begin, as far as a hidden class is made for them. */
function shapesOf(value: unknown, seen = new Set<string>()): Set<string> {
  if (typeof value !== 'object' || value === null) return seen;
  const keys = Object.keys(value);
  if (!Array.isArray(value)) keys.forEach((_, end) => void seen.add(JSON.stringify(keys.slice(0, end + 1))));
  for (const inner of Object.values(value)) shapesOf(inner, seen);
  return seen;
}

test('of any JSON the different beginnings of objects are counted, whitespace or not', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom('', ' ', '\n\t'), (value, indent) => {
      const shapes = shapesOf(value).size;
      const json = Buffer.from(JSON.stringify(value, undefined, indent).replaceAll(':', `${indent}:`));
      const limited = (most: number) => findJsonExcess(json, { ...none, shapes: most });
      assert.equal(limited(shapes), undefined);
      if (shapes > 0) assert.equal(limited(shapes - 1), 'shapes');
    }),
    propertyRuns,
  );
});

test('objects of the same keys in another order are different, those of the same in the same order are not', () => {
  const names = Array.from({ length: 200 }, (_, index) => `key-${index}`);
  const turned = names.map((_, turn) =>
    Object.fromEntries(names.map((_, at) => [names[(at + turn) % 200], 0])),
  );
  assert.equal(excess([turned, turned], { shapes: 200 * 200 }), undefined);
  assert.equal(excess([turned, turned], { shapes: 200 * 200 - 1 }), 'shapes');
});

test('of an object of many keys those count that V8 makes hidden classes for', () => {
  const labels = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`label-${index}`, '']));
  assert.equal(excess({ labels }, { shapes: 1_021 }), undefined);
  assert.equal(excess({ labels }, { shapes: 1_020 }), 'shapes');
});

test('nesting is bounded without limits, too, and it is found before the end', () => {
  assert.equal(findJsonExcess(Buffer.from('['.repeat(65))), 'depth');
  assert.equal(findJsonExcess(Buffer.from(`${'['.repeat(64)}${']'.repeat(64)}`)), undefined);
  assert.equal(findJsonExcess(Buffer.from(`"${'['.repeat(65)}"`)), undefined);
});
