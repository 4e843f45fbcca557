import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppliedSet } from '#shared/bus/read/reader.ts';
import type { SlicedWork } from '#shared/runtime/turn-queue.ts';
import { machineMs } from '../workers/machine-ms.ts';
import type { SentRecord } from '../workers/to-worker.ts';
import { ReceivedRules } from './received-rules.ts';

const version = (seq: number) => ({ owner: 'k8s', epoch: 1, seq });
const body = (name: string): SentRecord => [
  `k8s.entry.ns.${name}`,
  Buffer.from('{"schema":1}'),
  { traceparent: 'p' },
];

/** Rules whose sets take a turn each, and what has come into force. */
function receivedRules() {
  const inForce: string[] = [];
  const namesOf = ({ seq, changes }: AppliedSet): string =>
    [seq, ...Array.from(changes, ({ key }) => ('secret' in key ? key.secret : key.kind))].join(' ');
  const sink = {
    readsAgain: false,
    *prepare(set: AppliedSet): SlicedWork<() => void> {
      yield;
      return () => void inForce.push(namesOf(set));
    },
    keep: (managers: readonly string[]) => void inForce.push(`keep ${managers.join(' ')}`),
    heard: () => undefined,
    inForce: () => [],
    isUsable: () => true,
  };
  const done = Promise.withResolvers<void>();
  const rules = new ReceivedRules({
    sink,
    clock: { monotonicMs: () => 1_000 },
    onApplied: () => undefined,
    fail: done.reject,
  });
  return {
    rules,
    inForce,
    settled: () => {
      rules.whenInForce(done.resolve);
      return done.promise;
    },
  };
}

test('the slices of a set come into force with its version, and in the order of the messages', async () => {
  const { rules, inForce, settled } = receivedRules();
  rules.receive({ kind: 'records', manager: 'k8s', records: [body('a'), body('b')] });
  rules.receive({ kind: 'records', manager: 'k8s', records: [body('c')] });
  rules.receive({ kind: 'set', ...version(1) });
  rules.receive({ kind: 'records', manager: 'k8s', records: [['k8s.entry.ns.d', undefined, undefined]] });
  rules.receive({ kind: 'set', ...version(2) });
  rules.receive({ kind: 'keep', managers: ['k8s'] });
  assert.deepEqual(rules.applied(), []);
  await settled();
  assert.deepEqual(inForce, ['1 a b c', '2 d', 'keep k8s']);
  assert.deepEqual(rules.applied(), [version(2)]);
});

test('what was heard counts from when the primary heard it, and for rules that came before it', async () => {
  const { rules, settled } = receivedRules();
  rules.receive({ kind: 'heard', applied: [version(1)], sourceAgeMs: 0, atMs: machineMs() });
  rules.receive({ kind: 'set', ...version(1) });
  rules.receive({ kind: 'heard', applied: [version(1)], sourceAgeMs: 500, atMs: machineMs() - 250 });
  await settled();
  const ageMs = rules.ageMs('k8s');
  assert.ok(ageMs >= 750 && Number.isFinite(ageMs), `${ageMs}`);
});

test('rules of a manager that is not kept are not in force', async () => {
  const { rules, settled } = receivedRules();
  rules.receive({ kind: 'set', ...version(1) });
  rules.receive({ kind: 'keep', managers: ['aws'] });
  await settled();
  assert.deepEqual(rules.applied(), []);
});
