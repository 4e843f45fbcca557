import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { propertyRuns } from '#testkit/properties/property-runs.ts';
import { findJsonExcess } from './json-excess.ts';

const none = { strings: Number.POSITIVE_INFINITY, parts: Number.POSITIVE_INFINITY };
const excess = (value: unknown, limits: { strings?: number; parts?: number }) =>
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

test('strings that differ within 32 bytes or in length are different, and a repeated one counts once', () => {
  const texts = Array.from({ length: 3_000 }, (_, index) => [`${index}`, `${'x'.repeat(27)}${index}`]).flat();
  assert.equal(excess([texts, texts], { strings: 6_000 }), undefined);
  assert.equal(excess([texts, texts], { strings: 5_999 }), 'strings');
});

test('nesting is bounded without limits, too, and it is found before the end', () => {
  assert.equal(findJsonExcess(Buffer.from('['.repeat(65))), 'depth');
  assert.equal(findJsonExcess(Buffer.from(`${'['.repeat(64)}${']'.repeat(64)}`)), undefined);
  assert.equal(findJsonExcess(Buffer.from(`"${'['.repeat(65)}"`)), undefined);
});
