import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planGlobalCopies } from '#shared/managers/chain/global-copies.ts';
import { shareCopies } from './share-copies.ts';

const globals = Array.from({ length: 40 }, (_, index) => ({
  name: `env:T${index}_K`,
  value: new Uint8Array([index]),
}));
const plan = planGlobalCopies(globals);

test('a hundred namespaces that may hold the same secrets share one set of copies, made once', () => {
  let questions = 0;
  const shared = shareCopies(plan, (name, namespace) => {
    questions += 1;
    return namespace.startsWith('all-') || name === 'env:T7_K';
  });
  const ask = (kind: string) =>
    new Set(Array.from({ length: 100 }, (_, index) => shared.of(`${kind}-${index}`)));
  const [all, few] = [ask('all'), ask('few')];
  assert.deepEqual([all.size, few.size, questions], [1, 1, 200 * globals.length]);
  ask('all');
  assert.equal(questions, 200 * globals.length);
  shared.forget('all-0');
  ask('all');
  assert.equal(questions, 201 * globals.length);
  const data = (copies: typeof all) =>
    [...copies].map((one) => new Map(Array.from(one, ([name, copy]) => [name, copy.data])));
  assert.deepEqual(data(all), [plan.copies]);
  assert.deepEqual(
    data(few).map((copies) => [...copies.keys()]),
    [[plan.placement.get('env:T7_K')?.secretName]],
  );
});

test('of namespaces that come and go without end nothing is kept', () => {
  const plans: string[] = [];
  const shared = shareCopies(plan, (name, namespace) => {
    if (name === 'env:T0_K') plans.push(namespace);
    return true;
  });
  const first = shared.of('team');
  for (let round = 0; round < 100; round += 1) {
    assert.equal(shared.of('passing'), first);
    shared.forget('passing');
  }
  assert.equal(plans.length, 101);
  shared.forget('team');
  assert.notEqual(shared.of('passing'), first);
  shared.forget('stranger');
});
