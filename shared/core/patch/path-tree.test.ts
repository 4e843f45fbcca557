import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createWorkBudget } from '#shared/core/bounds/work-budget.ts';
import { createPathTree } from './path-tree.ts';

/** Whether a path is the other one or lies below it, said plainly. */
const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

test('a path tree tells what a look at every path would tell', () => {
  const path = fc
    .array(fc.constantFrom('a', 'b', 'ab', ''), { maxLength: 4 })
    .map((parts) => parts.join('/'));
  fc.assert(
    fc.property(fc.array(path, { maxLength: 12 }), path, (paths, asked) => {
      const budget = createWorkBudget();
      const tree = createPathTree<string>();
      for (const one of paths) tree.add(one, one, budget);
      const above = [...new Set(paths)].filter((one) => isWithin(asked, one));
      assert.deepEqual(
        tree.above(asked, budget),
        above.toSorted((a, b) => a.length - b.length),
      );
      assert.equal(
        tree.at(asked, budget),
        paths.find((one) => one === asked),
      );
      assert.equal(
        tree.firstBelow(asked, budget),
        paths.find((one) => one !== asked && isWithin(one, asked)),
      );
    }),
  );
});

test('a path costs as many steps as it has segments, however many others there are', () => {
  const budget = createWorkBudget();
  const tree = createPathTree<number>();
  for (let index = 0; index < 10_000; index++) tree.add(`/etc/secrets/f${index}`, index, budget);
  const before = budget.spent();
  assert.deepEqual(tree.above('/etc/secrets/f77/x', budget), [77]);
  assert.ok(budget.spent() - before < 10);
});
