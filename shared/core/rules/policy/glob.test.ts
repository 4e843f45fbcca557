import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { propertyRuns } from '#testkit/properties/property-runs.ts';
import { compileGlob, createGlobIndex, globsOverlap } from './glob.ts';

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

test('two globs overlap when some text is matched by both', () => {
  const glob = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 4 });
  const texts = ['', 'a', 'b'].flatMap((x) => ['', 'a', 'b'].flatMap((y) => [x + y]));
  const all = [...new Set(texts.flatMap((x) => texts.flatMap((y) => texts.map((z) => x + y + z))))];
  fc.assert(
    fc.property(glob, glob, (one, other) => {
      const found = all.some((text) => naive(one, text) && naive(other, text));
      assert.equal(globsOverlap(one, other), found, `${one} ${other}`);
    }),
    { numRuns: 1_000 },
  );
});

test('what belongs to a glob is found by every text that the glob matches', () => {
  const find = createGlobIndex(['ab', 'a*', 'b', 'ab'], (glob) => glob);
  assert.deepEqual(find('ab'), ['ab', 'ab', 'a*']);
  assert.deepEqual(find('b'), ['b']);
  assert.deepEqual(find('c'), []);
});
