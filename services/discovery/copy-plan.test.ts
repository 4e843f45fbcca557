import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addsKey, digestData, type OwnedCopy, planCopies } from './copy-plan.ts';

const anOwnedCopy = (name: string, data: Record<string, string>): OwnedCopy => ({
  namespace: 'team',
  name,
  uid: `uid-${name}`,
  resourceVersion: '7',
  keys: Object.keys(data),
  dataDigest: digestData(data),
  immutable: false,
});

test('a namespace without copies gets every one', () => {
  const steps = planCopies(new Map([['latchkey-global-0', { a: 'MQ==' }]]), []);
  assert.deepEqual(steps, [{ kind: 'create', name: 'latchkey-global-0', data: { a: 'MQ==' } }]);
});

test('equal copies need no step, whatever the order of their keys', () => {
  const desired = new Map([['latchkey-global-0', { a: 'MQ==', b: 'Mg==' }]]);
  assert.deepEqual(planCopies(desired, [anOwnedCopy('latchkey-global-0', { b: 'Mg==', a: 'MQ==' })]), []);
});

test('a removed key replaces the copy, an empty shard is deleted, both with what was seen as precondition', () => {
  const desired = new Map([['latchkey-global-0', { a: 'MQ==' }]]);
  const owned = [
    anOwnedCopy('latchkey-global-0', { a: 'MQ==', gone: 'Mg==' }),
    anOwnedCopy('latchkey-global-1', { gone: 'Mg==' }),
  ];
  assert.deepEqual(planCopies(desired, owned), [
    { kind: 'replace', name: 'latchkey-global-0', data: { a: 'MQ==' }, resourceVersion: '7' },
    { kind: 'delete', name: 'latchkey-global-1', uid: 'uid-latchkey-global-1', resourceVersion: '7' },
  ]);
});

test('a copy that somebody made immutable is deleted and made anew', () => {
  const desired = new Map([['latchkey-global-0', { a: 'MQ==' }]]);
  const owned = [{ ...anOwnedCopy('latchkey-global-0', { a: 'other' }), immutable: true }];
  assert.deepEqual(planCopies(desired, owned), [
    { kind: 'delete', name: 'latchkey-global-0', uid: 'uid-latchkey-global-0', resourceVersion: '7' },
    { kind: 'create', name: 'latchkey-global-0', data: { a: 'MQ==' } },
  ]);
});

test('a step that fails leaves a key missing only where it would have added one', () => {
  const stored = anOwnedCopy('latchkey-global-0', { a: 'old' });
  const failing = (desired: Record<string, string> | undefined, owned: OwnedCopy[]): boolean[] =>
    planCopies(new Map(desired === undefined ? [] : [['latchkey-global-0', desired]]), owned).map((step) =>
      addsKey(step, owned[0]),
    );
  assert.deepEqual(failing({ a: 'MQ==' }, []), [true]);
  assert.deepEqual(failing({ a: 'old', b: 'Mg==' }, [stored]), [true]);
  assert.deepEqual(failing({ a: 'MQ==' }, [stored]), [false]);
  assert.deepEqual(failing(undefined, [stored]), [false]);
});
