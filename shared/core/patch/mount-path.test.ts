import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { createWorkBudget } from '#shared/core/bounds/work-budget.ts';
import { normalMountPath, windowsMountPath } from './mount-path.ts';

const segment = fc.constantFrom('a', 'bc', '..', '.', '', '...', '..a', 'n'.repeat(300));
const anyPath = fc
  .tuple(fc.array(segment, { maxLength: 12 }), fc.boolean(), fc.constantFrom(1, 40))
  .map(([segments, absolute, times]) => `${absolute ? '/' : ''}${segments.join('/')}`.repeat(times));

test('a mount path is normal as POSIX resolves it from the root', () => {
  fc.assert(
    fc.property(anyPath, (path) => {
      assert.equal(normalMountPath(path, createWorkBudget()), posix.resolve('/', path));
    }),
  );
});

test('a mount path costs a step for each segment that is resolved, and for so many characters', () => {
  fc.assert(
    fc.property(anyPath, (path) => {
      const budget = createWorkBudget();
      const isResolved = normalMountPath(path, budget) !== path;
      const segments = path.split('/').length;
      const steps = budget.spent();
      assert.ok(steps >= path.length / 32 + (isResolved ? segments : 0), `${steps} steps for ${path}`);
      assert.ok(steps <= 2 + path.length / 32 + segments, `${steps} steps for ${path}`);
    }),
  );
});

test('a mount path that is normal as it is costs nothing for its segments', () => {
  const budget = createWorkBudget();
  assert.equal(normalMountPath('/a'.repeat(1_000), budget), '/a'.repeat(1_000));
  assert.ok(budget.spent() < 100, `${budget.spent()} steps`);
});

test('every spelling of one place on Windows is one path, and another place is another', () => {
  for (const path of [
    '/etc/flyte/secrets/db',
    '/ETC/Flyte/secrets/DB/',
    'C:\\etc\\flyte\\secrets\\db',
    'c:/etc/flyte/secrets/db',
    'c:etc/flyte/secrets/db',
    '\\etc\\flyte/secrets\\.\\db\\',
    'etc\\flyte\\secrets\\db',
    'C:\\etc\\flyte\\x\\..\\secrets\\db. .',
    '\\\\?\\C:\\etc\\flyte\\secrets\\db',
    '\\\\.\\C:\\etc\\flyte\\secrets\\db',
    '//?/c:/etc/flyte/secrets/db',
  ]) {
    assert.equal(windowsMountPath(path, createWorkBudget()), '/etc/flyte/secrets/db', path);
  }
  for (const path of ['D:\\etc\\flyte\\secrets\\db', 'C:\\etc\\flyte\\secrets\\db2', 'C:\\db']) {
    assert.notEqual(windowsMountPath(path, createWorkBudget()), '/etc/flyte/secrets/db', path);
  }
});

test('a path on Windows costs steps for its characters and segments', () => {
  const budget = createWorkBudget();
  windowsMountPath(`C:${'\\. . . .'.repeat(500)}`, budget);
  assert.ok(budget.spent() > 500, `${budget.spent()} steps`);
});
