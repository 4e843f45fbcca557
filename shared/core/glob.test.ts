import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { propertyRuns } from '#test/property-runs.ts';
import { compileGlob } from './glob.ts';

/** Tries every possibility: slow, and plainly right. */
function naive(glob: string, text: string): boolean {
  if (glob === '') return text === '';
  if (glob[0] === '*') {
    return naive(glob.slice(1), text) || (text !== '' && naive(glob, text.slice(1)));
  }
  return text !== '' && (glob[0] === '?' || glob[0] === text[0]) && naive(glob.slice(1), text.slice(1));
}

test('the glob matcher agrees with one that tries everything', () => {
  const glob = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 10 });
  fc.assert(
    fc.property(glob, text, (pattern, value) => {
      assert.equal(compileGlob(pattern)(value), naive(pattern, value));
    }),
    propertyRuns,
  );
});

test('every character but * and ? stands for itself', () => {
  for (const special of '.+()[]{}|^$\\/-') {
    assert.ok(compileGlob(`a${special}*`)(`a${special}b`));
    assert.ok(!compileGlob(`a${special}*`)('aab'));
  }
});

test('a text of a million characters is matched in linear time by a glob that would explode a backtracking matcher', () => {
  const glob = compileGlob(`${'*a'.repeat(60)}*b`);
  assert.ok(!glob('a'.repeat(1_000_000)));
  assert.ok(glob(`${'a'.repeat(1_000_000)}b`));
});
