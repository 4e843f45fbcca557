import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestVariables } from '#shared/core/rules/template/request-variables.ts';
import { compileTree, oneHolds } from './compile-tree.ts';

const asked = (group: string, envVar = '') =>
  new RequestVariables({ group, groupVersion: '', key: 'k', envVar }, 'ns');

test('what reads no variable is one frozen object for all requests, and the rest is rendered for each', () => {
  const render = compileTree([{ env: { name: 'FIXED' } }, { env: { name: '${group}' } }], 'edits.env');
  const [one, other] = [render(asked('a')), render(asked('b'))];
  assert.deepEqual(one, [{ env: { name: 'FIXED' } }, { env: { name: 'a' } }]);
  assert.deepEqual(other[1], { env: { name: 'b' } });
  assert.equal(one[0], other[0]);
  assert.ok(Object.isFrozen(one[0]?.env));
});

test('a condition decides for each request, also about what is fixed', () => {
  const render = compileTree([{ value: 'x', when: 'envVar' }, 'y'], 'edits.env');
  assert.deepEqual(render(asked('a')), ['y']);
  assert.deepEqual(render(asked('a', 'V')), [{ value: 'x' }, 'y']);
});

test('of several lists of conditions all of one must hold', () => {
  const holds = oneHolds([['envVar', { field: 'group', oneOf: ['a'] }], 'groupVersion']);
  assert.deepEqual([holds(asked('a')), holds(asked('a', 'V')), holds(asked('b', 'V'))], [false, true, false]);
});
