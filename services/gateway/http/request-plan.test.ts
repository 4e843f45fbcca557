import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Outcome,
  type RequestEvent,
  type RequestState,
  requestPlan,
  type ShedReason,
  type Step,
} from './request-plan.ts';

/** Follows a request through events; each state's events are those that can come in it. */
function follow(events: readonly RequestEvent[]) {
  let state: RequestState = 'arriving';
  const outcomes: Outcome[] = [];
  const counted: ShedReason[] = [];
  for (const event of events) {
    const step: Step | undefined = requestPlan[state][event];
    if (step === undefined) continue;
    state = step.to;
    if (step.outcome !== undefined) outcomes.push(step.outcome);
    if (step.shed !== undefined) counted.push(step.shed);
  }
  return { state, outcomes, counted };
}

const anyEvent = fc.constantFrom<RequestEvent[]>(
  'overloaded',
  'whole',
  'too-long',
  'deadline',
  'gone',
  'turn',
);

test('whatever happens, a request has one outcome at most, and exactly one once it is answered', () => {
  fc.assert(
    fc.property(fc.array(anyEvent), (events) => {
      const { state, outcomes } = follow(events);
      assert.equal(outcomes.length, state === 'answered' ? 1 : 0);
    }),
  );
});

test('whatever happens, a request is counted as shed at most once, and only if it is not decided', () => {
  fc.assert(
    fc.property(fc.array(anyEvent), (events) => {
      const { outcomes, counted } = follow(events);
      assert.ok(counted.length <= (outcomes[0]?.kind === 'decide' ? 0 : 1));
    }),
  );
});

test('a request is decided only after its body is whole and its turn has come', () => {
  assert.deepEqual(follow(['turn', 'whole', 'turn']).outcomes, [{ kind: 'decide' }]);
  fc.assert(
    fc.property(fc.array(anyEvent), (events) => {
      const turnAt = events.indexOf('turn', events.indexOf('whole'));
      if (!events.includes('whole') || turnAt < 0) {
        assert.ok(follow(events).outcomes.every(({ kind }) => kind !== 'decide'));
      }
    }),
  );
});

test('a shed request is answered after its body, and before its end only when that is late or too long', () => {
  assert.deepEqual(follow(['overloaded', 'whole']).outcomes, [
    { kind: 'shed', reason: 'overloaded', isBodyWhole: true },
  ]);
  for (const [event, reason] of [
    ['too-long', 'overloaded'],
    ['deadline', 'late'],
  ] as const) {
    assert.deepEqual(follow(['overloaded', event]), {
      state: 'answered',
      outcomes: [{ kind: 'shed', reason, isBodyWhole: false }],
      counted: ['overloaded'],
    });
  }
});
