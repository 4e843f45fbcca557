import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addsKey, type CopyPlan, type KnownCopy, planCopies } from './copy-plan.ts';
import { type DesiredCopies, desiredCopies, digestData, type SecretData } from './desired-copy.ts';

const anOwnedCopy = (name: string, data: Record<string, string>): KnownCopy => ({
  namespace: 'team',
  name,
  uid: `uid-${name}`,
  resourceVersion: '7',
  dataDigest: digestData(data),
  isOpaque: true,
  immutable: false,
  installation: 'latchkey',
  ourKeys: new Set(Object.keys(data)),
});
const wants = (...copies: (readonly [name: string, data: SecretData])[]): DesiredCopies =>
  desiredCopies(new Map(copies));
const plan = (desired: DesiredCopies, known: readonly KnownCopy[]): CopyPlan =>
  planCopies(
    desired,
    { copies: new Map(known.map((copy) => [copy.name, copy])), lost: new Set(['latchkey-global-9']) },
    'latchkey',
  );
const planSteps = (...given: Parameters<typeof plan>): CopyPlan['steps'] => plan(...given).steps;

test('a namespace without copies gets every one', () => {
  const desired = wants(['latchkey-global-0', { a: 'MQ==' }]);
  const steps = planSteps(desired, []);
  assert.deepEqual(steps, [
    { kind: 'create', name: 'latchkey-global-0', wanted: desired.get('latchkey-global-0') },
  ]);
});

test('equal copies need no step, whatever the order of their keys', () => {
  const desired = wants(['latchkey-global-0', { a: 'MQ==', b: 'Mg==' }]);
  assert.deepEqual(planSteps(desired, [anOwnedCopy('latchkey-global-0', { b: 'Mg==', a: 'MQ==' })]), []);
});

test('a removed key replaces the copy, an empty shard is deleted, both with what was seen as precondition', () => {
  const desired = wants(['latchkey-global-0', { a: 'MQ==' }]);
  const owned = [
    anOwnedCopy('latchkey-global-0', { a: 'MQ==', gone: 'Mg==' }),
    anOwnedCopy('latchkey-global-1', { gone: 'Mg==' }),
  ];
  assert.deepEqual(planSteps(desired, owned), [
    {
      kind: 'replace',
      name: 'latchkey-global-0',
      wanted: desired.get('latchkey-global-0'),
      uid: 'uid-latchkey-global-0',
      resourceVersion: '7',
    },
    { kind: 'delete', name: 'latchkey-global-1', uid: 'uid-latchkey-global-1', resourceVersion: '7' },
  ]);
});

test('a copy that somebody made immutable is deleted and made anew', () => {
  const desired = wants(['latchkey-global-0', { a: 'MQ==' }]);
  const owned = [{ ...anOwnedCopy('latchkey-global-0', { a: 'other' }), immutable: true }];
  assert.deepEqual(planSteps(desired, owned), [
    { kind: 'delete', name: 'latchkey-global-0', uid: 'uid-latchkey-global-0', resourceVersion: '7' },
    { kind: 'create', name: 'latchkey-global-0', wanted: desired.get('latchkey-global-0') },
  ]);
});

test('a step that fails leaves a key missing only where it would have added one', () => {
  const stored = anOwnedCopy('latchkey-global-0', { a: 'old' });
  const failing = (desired: Record<string, string> | undefined, owned: KnownCopy[]): boolean[] =>
    planSteps(wants(...(desired === undefined ? [] : [['latchkey-global-0', desired] as const])), owned).map(
      (step) => addsKey(step, owned[0]),
    );
  assert.deepEqual(failing({ a: 'MQ==' }, []), [true]);
  assert.deepEqual(failing({ a: 'old', b: 'Mg==' }, [stored]), [true]);
  assert.deepEqual(failing({ a: 'MQ==' }, [stored]), [false]);
  assert.deepEqual(failing(undefined, [stored]), [false]);
});

test('a copy of another type is deleted and made anew, and not given to pods until then', () => {
  const desired = wants(['latchkey-global-0', { a: 'MQ==' }]);
  const evil = {
    ...anOwnedCopy('latchkey-global-0', { a: 'MQ==' }),
    isOpaque: false,
    ourKeys: undefined,
  };
  assert.deepEqual(
    planSteps(desired, [evil]).map(({ kind }) => kind),
    ['delete', 'create'],
  );
  assert.deepEqual(plan(desired, [evil]).forged, ['latchkey-global-0']);
});

test('an earlier value of ours is no forgery, anything else is', () => {
  const desired = wants(['latchkey-global-0', { a: 'new' }]);
  const old = anOwnedCopy('latchkey-global-0', { a: 'old' });
  assert.deepEqual(plan(desired, [old]).forged, []);
  assert.deepEqual(plan(desired, [{ ...old, ourKeys: undefined }]).forged, ['latchkey-global-0']);
});

test('a copy of another installation is not touched, where it is desired here and where it is not', () => {
  const other = { ...anOwnedCopy('latchkey-global-0', { a: 'old' }), installation: 'latchkey2' };
  assert.deepEqual(plan(wants(), [other]), { steps: [], strays: [], forged: [], foreign: [], lost: [] });
  const desired = wants(['latchkey-global-0', { a: 'MQ==' }]);
  assert.deepEqual(plan(desired, [other]), {
    steps: [],
    strays: [],
    forged: [],
    foreign: ['latchkey-global-0'],
    lost: [],
  });
});

test('a copy from before installations were told apart is taken over where it is desired, and left where it is not', () => {
  const old = { ...anOwnedCopy('latchkey-global-0', { a: 'MQ==' }), installation: undefined };
  const desired = wants(['latchkey-global-0', { a: 'MQ==' }]);
  const taken = plan(desired, [old]);
  assert.deepEqual(
    taken.steps.map(({ kind }) => kind),
    ['replace'],
  );
  assert.deepEqual(taken.forged, []);
  assert.deepEqual(planSteps(wants(), [old]), []);
});

test('a copy that went without our doing is told of where it is desired', () => {
  assert.deepEqual(plan(wants(['latchkey-global-9', {}]), []).lost, ['latchkey-global-9']);
  assert.deepEqual(plan(wants(), []).lost, []);
});

test('what somebody else put at a name that is not desired is told from what is ours', () => {
  const ours = anOwnedCopy('latchkey-global-1', { a: 'MQ==' });
  const { steps, strays } = plan(wants(), [ours, { ...ours, name: 'latchkey-global-2', ourKeys: undefined }]);
  assert.deepEqual(
    [steps, strays].map((deletions) => deletions.map(({ kind, name }) => `${kind} ${name}`)),
    [['delete latchkey-global-1'], ['delete latchkey-global-2']],
  );
});
