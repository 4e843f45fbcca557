import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { emptyKeyRing, type KeyRing } from '#shared/core/rules/index/key-ring.ts';
import type { GlobalSecret } from './global-secrets.ts';
import type { SealedFact } from './sealed-fact.ts';
import { planSealing } from './sealing-plan.ts';

const ring: KeyRing = { keys: new Map([['one', randomBytes(32)]]), sealingKid: 'one' };
const aGlobal = (name: string, value = 'value'): GlobalSecret => ({
  name,
  value: Buffer.from(value),
  version: '1',
});
const nothingKnown = { published: [], factOf: () => undefined };
/** Plans again, with what the changes of an earlier plan have left. */
function planAfter(first: ReturnType<typeof planSealing>, globals: readonly GlobalSecret[], next = ring) {
  const facts = new Map<string, SealedFact>();
  for (const { name, fact } of first.changes) if (fact !== undefined) facts.set(name, fact);
  const known = { published: facts.keys(), factOf: (name: string) => facts.get(name) };
  return planSealing(globals, { ring: next, epoch: 2 }, known);
}

test('each value is sealed once, and keeps its fact while it is the same', () => {
  const globals = [aGlobal('env:A'), aGlobal('env:B')];
  const first = planSealing(globals, { ring, epoch: 1 }, nothingKnown);
  assert.deepEqual(
    first.changes.map(({ name, fact }) => [name, fact?.sealed.epoch]),
    [
      ['env:A', 1],
      ['env:B', 1],
    ],
  );
  assert.deepEqual(planAfter(first, globals), first);
});

test('a global secret that is gone is removed, one that no variable can hold says why', () => {
  const first = planSealing([aGlobal('env:A'), aGlobal('env:B')], { ring, epoch: 1 }, nothingKnown);
  const { changes, unsealed } = planAfter(first, [aGlobal('env:B', 'a\0b')]);
  assert.deepEqual(changes, [
    { name: 'env:A', fact: undefined },
    { name: 'env:B', fact: undefined, problem: 'the value holds a zero byte, which no variable can' },
  ]);
  assert.equal(unsealed, 0);
});

test('without a key what is published stays, but for what is gone', () => {
  const first = planSealing([aGlobal('env:A'), aGlobal('env:B')], { ring, epoch: 1 }, nothingKnown);
  assert.deepEqual(planAfter(first, [aGlobal('env:B', 'changed'), aGlobal('env:C')], emptyKeyRing), {
    changes: [{ name: 'env:A', fact: undefined }],
    unsealed: 2,
  });
});
