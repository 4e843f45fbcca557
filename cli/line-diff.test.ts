import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { diffLines } from './line-diff.ts';

const lines = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 });

test('the diff of equal texts is empty', () => {
  fc.assert(fc.property(lines, (text) => assert.deepEqual(diffLines(text, text), [])));
});

test('what goes and comes is all that differs', () => {
  assert.deepEqual(diffLines(['a', 'b', 'c'], ['a', 'x', 'c']), ['  a', '- b', '+ x', '  c']);
  fc.assert(
    fc.property(lines, lines, (before, after) => {
      const shown = diffLines(before, after);
      const count = (sign: string): number => shown.filter((line) => line.startsWith(sign)).length;
      assert.equal(before.length - count('-'), after.length - count('+'));
    }),
  );
});
