import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diff } from 'node:util';
import fc from 'fast-check';
import { diffLines, mostMinimalLines } from './line-diff.ts';

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

test('only so many lines are compared each with each, however long the texts are', () => {
  const sizes: number[] = [];
  const counting = (before: readonly string[], after: readonly string[]) => {
    sizes.push(before.length, after.length);
    return diff(before, after);
  };
  const long = Array.from({ length: 100_000 }, (_, index) => `line ${index}`);
  const changed = long.with(50_000, 'other');
  assert.deepEqual(diffLines(long, changed, counting).slice(2, 4), ['- line 50000', '+ other']);
  assert.deepEqual(sizes, [1, 1]);
  const added = ['new', ...long, 'newer'];
  const shown = diffLines(long, added, counting);
  assert.deepEqual(
    shown.filter((line) => line.startsWith('+')),
    ['+ new', '+ newer'],
  );
  const replaced = diffLines(long, long.toReversed(), counting);
  assert.equal(replaced.filter((line) => line.startsWith('- ')).length, 100_000);
  const bound = long.slice(0, mostMinimalLines);
  diffLines(bound, ['x', ...bound.slice(1, -1), 'y'], counting);
  assert.deepEqual(sizes, [1, 1, mostMinimalLines, mostMinimalLines]);
});

test('a long text and a short one show the same changes', () => {
  fc.assert(
    fc.property(lines, lines, fc.boolean(), (before, inserted, isFirst) => {
      const rest = Array.from({ length: mostMinimalLines }, (_, index) => `rest ${index}`);
      const long = ['first', ...before, ...rest, 'last'];
      const after = ['new', ...long.toSpliced(isFirst ? 1 : before.length, 0, ...inserted), 'end'];
      const added = diffLines(long, after).filter((line) => line.startsWith('+'));
      assert.equal(added.length, after.length - long.length);
    }),
  );
});
