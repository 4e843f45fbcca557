import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CaState, rotationPhases } from '#shared/contracts/kubernetes/rotation-state.ts';
import {
  actionOf,
  caFact,
  caOf,
  gateway,
  nowMs,
  policy,
  rotation,
  servingOf,
  stateOf,
  webhookOf,
} from '#testkit/certificates/rotation-examples.ts';
import type { Action, CaSecretFacts, RotationFacts } from './rotation-facts.ts';

const both = ['B', 'A'];
const overlapEndMs = nowMs + policy.overlapMs;

/** Facts of an installation whose CA is A at first, and B after a rotation, as the page names them. */
const stable = (ca: Partial<CaSecretFacts> = {}): Partial<RotationFacts> => ({
  ca: caOf(['A'], ca),
  serving: servingOf('leaf of A', 'A', ['A']),
  webhook: webhookOf(['A']),
  endpoints: [gateway('leaf of A')],
});
const distributing = (trusted: string[]): Partial<RotationFacts> => ({
  ca: caOf(both, {
    issuing: caFact('A'),
    next: caFact('B'),
    state: stateOf('distributing', { rotation }),
  }),
  serving: servingOf('leaf of A', 'A', both),
  webhook: webhookOf(trusted),
  endpoints: [gateway('leaf of A')],
});
const issuedByB = (phase: 'switching' | 'retiring', leafOf: 'A' | 'B', reported: 'A' | 'B') => ({
  ca: caOf(both, { state: stateOf(phase, { rotation }) }),
  serving: servingOf(`leaf of ${leafOf}`, leafOf, both, leafOf === reported),
  webhook: webhookOf(both),
  endpoints: [gateway(`leaf of ${reported}`)],
});

interface Transition {
  phase: CaState['phase'];
  when: string;
  facts: Partial<RotationFacts>;
  /** For how long every condition has been true, ms. */
  steadyMs?: number;
  expected: string;
}

/** The state diagram of docs/architecture.md, "Rotation of the CA", row by row; `new` is a CA yet to be created. */
const transitions: Transition[] = [
  { phase: 'stable', when: 'nothing is due', facts: stable(), expected: 'wait' },
  {
    phase: 'stable',
    when: 'A is due',
    facts: stable({ issuing: { ...caFact('A'), due: 'it is due' } }),
    expected: 'distributing, A issues, new and A are trusted',
  },
  {
    phase: 'stable',
    when: 'a rotation is requested',
    facts: stable({ request: 'asked' }),
    expected: 'distributing, A issues, new and A are trusted',
  },
  {
    phase: 'stable',
    when: 'a CA B was put in place while A is in use',
    facts: { ...stable(), ca: caOf(['B']) },
    expected: 'switching, B issues, B and A are trusted',
  },
  {
    phase: 'distributing',
    when: 'the webhook configuration holds A alone',
    facts: distributing(['A']),
    expected: 'the webhook configuration trusts B and A',
  },
  {
    phase: 'distributing',
    when: 'it has held B for less than trustWaitSeconds',
    facts: distributing(both),
    steadyMs: policy.trustWaitMs - 1,
    expected: 'distributing, A issues, B and A are trusted',
  },
  {
    phase: 'distributing',
    when: 'it has held B for trustWaitSeconds',
    facts: distributing(both),
    steadyMs: policy.trustWaitMs,
    expected: 'switching, B issues, B and A are trusted',
  },
  {
    phase: 'switching',
    when: 'the webhook configuration has held B for less than trustWaitSeconds',
    facts: issuedByB('switching', 'A', 'A'),
    steadyMs: policy.trustWaitMs - 1,
    expected: 'switching, B issues, B and A are trusted',
  },
  {
    phase: 'switching',
    when: 'it has held B for trustWaitSeconds',
    facts: issuedByB('switching', 'A', 'A'),
    steadyMs: policy.trustWaitMs,
    expected: 'a new leaf is issued',
  },
  {
    phase: 'switching',
    when: 'an endpoint still reports the leaf of A',
    facts: issuedByB('switching', 'B', 'A'),
    expected: 'switching, B issues, B and A are trusted, waits for gateway-0',
  },
  {
    phase: 'switching',
    when: 'every endpoint reports the leaf of B',
    facts: issuedByB('switching', 'B', 'B'),
    expected: 'retiring, B issues, B and A are trusted',
  },
  {
    phase: 'retiring',
    when: 'they have reported it for less than connectionWaitSeconds',
    facts: { ...issuedByB('retiring', 'B', 'B'), nowMs: overlapEndMs },
    steadyMs: policy.connectionWaitMs - 1,
    expected: 'retiring, B issues, B and A are trusted',
  },
  {
    phase: 'retiring',
    when: 'overlapHours have not passed',
    facts: { ...issuedByB('retiring', 'B', 'B'), nowMs: overlapEndMs - 1 },
    steadyMs: policy.connectionWaitMs,
    expected: 'retiring, B issues, B and A are trusted',
  },
  {
    phase: 'retiring',
    when: 'both have passed',
    facts: { ...issuedByB('retiring', 'B', 'B'), nowMs: overlapEndMs },
    steadyMs: policy.connectionWaitMs,
    expected: 'stable, B issues, B is trusted',
  },
];

function describeAction(action: Action): string {
  if (action.kind === 'wait') return 'wait';
  if (action.kind === 'repair-webhook')
    return `the webhook configuration trusts ${action.bundle.join(' and ')}`;
  if (action.kind === 'write-serving-secret') return 'issue' in action.leaf ? 'a new leaf is issued' : 'kept';
  const { issuing, bundle, state } = action;
  const pods = state.waitingFor.filter((each) => each.startsWith('gateway'));
  const trusted = `${bundle.join(' and ')} ${bundle.length === 1 ? 'is' : 'are'} trusted`;
  return [`${state.phase}, ${issuing} issues, ${trusted}`, ...pods.map((pod) => `waits for ${pod}`)].join(
    ', ',
  );
}

for (const { phase, when, facts, steadyMs, expected } of transitions) {
  test(`${phase}: when ${when}: ${expected}`, () => {
    assert.equal(facts.ca?.state.phase, phase);
    assert.equal(describeAction(actionOf(facts, steadyMs)), expected);
  });
}

test('the diagram is a cycle of all phases in their order, and a repair leads to switching', () => {
  const edges = transitions
    .map(({ phase, expected }) => `${phase} -> ${expected.split(',')[0]}`)
    .filter((edge) => rotationPhases.some((to) => edge.endsWith(`-> ${to}`) && !edge.startsWith(`${to} `)));
  const next = (index: number) => rotationPhases[(index + 1) % rotationPhases.length];
  const cycle = rotationPhases.map((phase, index) => `${phase} -> ${next(index)}`);
  assert.deepEqual(new Set(edges), new Set([...cycle, 'stable -> switching']));
});

test('a request that was taken is handled', () => {
  const action = actionOf(stable({ request: 'asked' }));
  assert.equal(action.kind === 'write-ca-secret' && action.state.handled, 'asked');
});
