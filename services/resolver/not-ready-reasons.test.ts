import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notReadyReasons, type ResolverFacts, standbyRemarks } from './not-ready-reasons.ts';

const ready: ResolverFacts = {
  manager: 'k8s',
  source: 'k8s',
  isPolled: false,
  isStopping: false,
  isConnected: true,
  isDeaf: false,
  isComplete: true,
  isPublished: true,
  leader: undefined,
};
const standby: ResolverFacts = { ...ready, isPublished: false, leader: { uid: 'a', epoch: 3 } };

const cases: [name: string, facts: ResolverFacts, reasons: RegExp[]][] = [
  ['that publishes is ready', ready, []],
  ['that could publish at once is ready as a standby', standby, []],
  ['without the whole inventory is not', { ...standby, isComplete: false }, [/that discovery confirms/]],
  [
    'without a whole list of its provider is not',
    { ...standby, isPolled: true, isComplete: false },
    [/not been listed/],
  ],
  ['whose rules are not stored is not', { ...ready, isPublished: false }, [/not on the bus yet/]],
  ['that hears nobody says so', { ...ready, isDeaf: true }, [/check its NATS permissions/]],
  [
    'without a connection hears nobody, which is no other reason',
    { ...ready, isConnected: false, isDeaf: true },
    [/not connected/],
  ],
  ['that stops is not', { ...ready, isStopping: true }, [/is stopping/]],
];

for (const [name, facts, reasons] of cases) {
  test(`a resolver ${name}`, () => {
    const given = notReadyReasons(facts);
    assert.equal(given.length, reasons.length);
    for (const [index, reason] of reasons.entries()) assert.match(given[index] ?? '', reason);
  });
}

test('a standby names who publishes', () => {
  assert.deepEqual(standbyRemarks(ready), []);
  assert.deepEqual(standbyRemarks(standby), ['standby: the resolver in pod a publishes k8s with epoch 3']);
});
