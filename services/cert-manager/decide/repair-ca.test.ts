import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CaState } from '#shared/contracts/kubernetes/rotation-state.ts';
import {
  actionOf,
  caFact,
  caOf,
  nowMs,
  rotation,
  servingOf,
  stateOf,
  webhookOf,
} from '#testkit/certificates/rotation-examples.ts';
import type { CaSecretFacts, RotationFacts } from './rotation-facts.ts';

const both = ['next', 'old'];
const inPhase = (phase: CaSecretFacts['state']['phase'], bundle = both): CaSecretFacts =>
  caOf(bundle, { state: stateOf(phase, { rotation }) });
const holding = (ca: CaSecretFacts): RotationFacts['lastKnownGood'] => ({ ca, leaf: undefined });

/** The phase and the bundle of the CA Secret that has to be written; undefined where none has. */
function repairOf(facts: Partial<RotationFacts>): [string, readonly string[]] | undefined {
  const action = actionOf(facts);
  return action.kind === 'write-ca-secret' ? [action.state.phase, action.bundle] : undefined;
}

test('a CA in use that the Secret does not know is trusted on, and retired in order', () => {
  const brought = actionOf({ ca: caOf(['brought']) });
  assert.ok(brought.kind === 'write-ca-secret');
  assert.deepEqual([brought.state.phase, brought.bundle], ['switching', ['brought', 'old']]);
});

test('a CA that somebody puts in the place of the known one is trusted beside what is in use', () => {
  const lastKnownGood = { ca: caOf(['old']), leaf: undefined };
  const broken = { ...servingOf('', 'old', ['old']).leaf, issuer: undefined, problem: 'torn' };
  const serving = { ...servingOf('', 'old', ['old']), leaf: broken };
  const state: CaState = { version: 1, phase: 'stable', waitingFor: [] };
  const brought = actionOf({ lastKnownGood, ca: caOf(['brought'], { state }), serving });
  assert.ok(brought.kind === 'write-ca-secret');
  assert.deepEqual([brought.state.phase, brought.bundle], ['switching', ['brought', 'old']]);
});

test('a rotation whose phase began in the future counts from now, and ends', () => {
  const day = 86_400_000;
  const facts = (since: string, atMs: number): Partial<RotationFacts> => ({
    ca: caOf(both, { state: stateOf('retiring', { since, rotation }) }),
    serving: servingOf('leaf-1', 'next', both),
    webhook: webhookOf(both),
    nowMs: atMs,
  });
  for (const since of ['9999-12-31T23:59:59Z', new Date(nowMs + 61_000).toISOString()]) {
    const repair = actionOf(facts(since, nowMs), 10 * day);
    assert.ok(repair.kind === 'write-ca-secret');
    assert.deepEqual([repair.state.phase, repair.state.rotation], ['retiring', rotation]);
    assert.equal(repair.state.since, new Date(nowMs).toISOString());
    const end = actionOf(facts(repair.state.since ?? '', nowMs + 2 * day), 10 * day);
    assert.ok(end.kind === 'write-ca-secret');
    assert.deepEqual([end.state.phase, end.bundle], ['stable', ['next']]);
  }
});

test('a phase that began a little in the future, by a clock that is ahead, is left as it is', () => {
  const since = new Date(nowMs + 59_000).toISOString();
  assert.equal(repairOf({ ca: caOf(['old'], { state: stateOf('stable', { since }) }) }), undefined);
});

test('a CA that only the webhook configuration holds is taken out when nothing needs it', () => {
  const lastKnownGood = { ca: caOf(['old']), leaf: undefined };
  const action = actionOf({ lastKnownGood, webhook: webhookOf(['old', 'foreign']) });
  assert.deepEqual(action.kind === 'repair-webhook' && action.bundle, ['old']);
});

test('at the first look all that the API server trusts may be needed', () => {
  const facts = {
    ca: caOf(['next']),
    serving: servingOf('leaf-2', 'next', ['next']),
    webhook: webhookOf(both),
  };
  assert.deepEqual(repairOf(facts), ['switching', both]);
});

test('the end of a rotation takes the old CA out of the webhook configuration', () => {
  const facts = {
    ca: caOf(['next']),
    serving: servingOf('leaf-2', 'next', ['next']),
    webhook: webhookOf(both),
  };
  const action = actionOf({ ...facts, lastKnownGood: holding(inPhase('retiring')) });
  assert.deepEqual(action.kind === 'repair-webhook' && action.bundle, ['next']);
});

test('a CA Secret of before that is put back in the middle of a rotation leaves all trusted', () => {
  const three = ['next', 'old', 'oldest'];
  const facts = { ca: caOf(['next']), serving: servingOf('leaf-2', 'old', three), webhook: webhookOf(three) };
  assert.deepEqual(repairOf({ ...facts, lastKnownGood: holding(inPhase('switching', three)) }), [
    'switching',
    three,
  ]);
  const later = stateOf('retiring', { since: new Date(nowMs + 1).toISOString() });
  assert.deepEqual(repairOf({ ...facts, lastKnownGood: holding(caOf(three, { state: later })) }), [
    'switching',
    three,
  ]);
});

test('a leaf of the old CA that comes back at the moment it is dropped keeps it trusted', () => {
  const facts = { ca: caOf(['next']), serving: servingOf('leaf-1', 'old', both), webhook: webhookOf(both) };
  assert.deepEqual(repairOf({ ...facts, lastKnownGood: holding(inPhase('retiring')) }), ['switching', both]);
});

test('a bundle that is cut in the Secret and in the webhook configuration at once is whole again', () => {
  const facts = { ca: inPhase('switching', ['next']), serving: servingOf('leaf-1', 'old', both) };
  const lastKnownGood = holding(inPhase('switching'));
  assert.deepEqual(repairOf({ ...facts, lastKnownGood, webhook: webhookOf([]) }), ['switching', both]);
});

test('a CA that is added while another retires begins the overlap anew', () => {
  const laterMs = nowMs + 60_000;
  const hasGrown = { ca: inPhase('retiring'), webhook: webhookOf([...both, 'more']), nowMs: laterMs };
  const brought = {
    ...hasGrown,
    ca: { ...inPhase('retiring'), issuing: caFact('more') },
    webhook: webhookOf(both),
  };
  for (const facts of [hasGrown, brought]) {
    const action = actionOf(facts);
    assert.ok(action.kind === 'write-ca-secret');
    assert.deepEqual(
      [action.state.phase, action.state.since],
      ['switching', new Date(laterMs).toISOString()],
    );
    assert.deepEqual(action.bundle.toSorted(), ['more', 'next', 'old']);
  }
});

test('a CA that an operator brings while the next one is being distributed is not rotated away', () => {
  const ca = { ...inPhase('distributing'), issuing: caFact('brought'), next: caFact('next') };
  const action = actionOf({ ca, webhook: webhookOf(both) });
  assert.ok(action.kind === 'write-ca-secret');
  assert.deepEqual([action.state.phase, action.issuing, action.next], ['switching', 'brought', undefined]);
  assert.deepEqual(action.bundle, ['brought', ...both]);
});

test('a rotation goes on when the bundle of the Secret is emptied', () => {
  const ca = caOf([], {
    issuing: caFact('old'),
    next: caFact('next'),
    state: stateOf('distributing', { rotation }),
  });
  assert.deepEqual(repairOf({ ca, webhook: webhookOf(['old']) }), ['distributing', both]);
});
