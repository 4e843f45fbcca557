import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LeaseSpec } from './lease.ts';
import {
  expiresAtMs,
  holderSpec,
  leaseTimes,
  nextLeaseStep,
  type ObservedLease,
  observeLease,
  releasedSpec,
  withinRenewDeadline,
} from './next-lease-step.ts';

const { durationMs, renewDeadlineMs } = leaseTimes;
const wall = { nowMs: Date.UTC(2026, 0, 1), count: 1 };
const mine = holderSpec({}, 'me', wall);
const others = holderSpec({}, 'you', wall);
const candidate = (spec: LeaseSpec, renewedAtMs?: number) => ({
  identity: 'me',
  observed: { spec, sinceMs: 1_000 },
  renewedAtMs,
});

test('a free Lease is taken, one of somebody else only when it has not changed for its duration', () => {
  assert.equal(nextLeaseStep(candidate({}), 1_000), 'acquire');
  assert.equal(nextLeaseStep(candidate(releasedSpec(others)), 1_000), 'acquire');
  assert.equal(nextLeaseStep(candidate(others), 1_000 + durationMs - 1), 'wait');
  assert.equal(nextLeaseStep(candidate(others), 1_000 + durationMs), 'acquire');
  const longer = { ...others, leaseDurationSeconds: 60 };
  assert.equal(nextLeaseStep(candidate(longer), 1_000 + durationMs), 'wait');
});

test('a Lease of absurd duration and time is free when it has not changed for ten minutes', () => {
  const { mostDurationMs } = leaseTimes;
  const absurd = { ...others, leaseDurationSeconds: 2 ** 31 - 1, renewTime: '2099-01-01T00:00:00.000000Z' };
  assert.equal(nextLeaseStep(candidate(absurd), 1_000 + mostDurationMs - 1), 'wait');
  assert.equal(nextLeaseStep(candidate(absurd), 1_000 + mostDurationMs), 'acquire');
  const observed = observeLease(
    { spec: absurd, sinceMs: 1_000 },
    { ...absurd, leaseTransitions: 9 },
    500_000,
  );
  const renewed = { ...candidate(absurd), observed };
  assert.equal(nextLeaseStep(renewed, 1_000 + mostDurationMs), 'wait', 'a holder that renews keeps it');
});

test('a count of changes that is the largest possible begins again, and nothing but a change counts', () => {
  const full = { ...others, leaseTransitions: 2 ** 31 - 1 };
  assert.equal(holderSpec(full, 'me', wall).leaseTransitions, 1);
  assert.equal(holderSpec(full, 'you', wall).leaseTransitions, 2 ** 31 - 1);
});

test('whoever finds its own name takes the Lease at once', () => {
  assert.equal(nextLeaseStep(candidate(mine), 1_000), 'acquire');
});

test('a leader renews until its deadline, and has lost after it or when another one holds the Lease', () => {
  assert.equal(nextLeaseStep(candidate(mine, 500), 500 + renewDeadlineMs - 1), 'renew');
  assert.equal(nextLeaseStep(candidate(mine, 500), 500 + renewDeadlineMs), 'lost');
  assert.equal(nextLeaseStep(candidate(others, 500), 600), 'lost');
  assert.equal(nextLeaseStep(candidate({}, 500), 600), 'lost');
});

test('one attempt that hangs leaves a leader time for a whole one before its deadline', () => {
  const { renewEveryMs, attemptTimeoutMs, leaderRetryMs } = leaseTimes;
  assert.ok(renewEveryMs + attemptTimeoutMs + leaderRetryMs + attemptTimeoutMs < renewDeadlineMs);
  assert.ok(renewDeadlineMs < durationMs);
});

test('a state of the Lease counts from when it was first observed, whatever its own times say', () => {
  const observed = observeLease(undefined, others, 100);
  assert.deepEqual(observeLease(observed, { ...others }, 900), observed);
  const renewed = holderSpec(others, 'you', { ...wall, nowMs: wall.nowMs - 86_400_000 });
  assert.deepEqual(observeLease(observed, renewed, 900), { spec: renewed, sinceMs: 900 });
  assert.equal(expiresAtMs(observed), 100 + durationMs);
});

test('a renewal keeps when it was acquired and counts changes of the holder', () => {
  const again = holderSpec(mine, 'me', { nowMs: wall.nowMs + 5, count: 2 });
  assert.deepEqual(again, { ...mine, renewTime: '2026-01-01T00:00:00.005002Z' });
  assert.equal(mine.acquireTime, '2026-01-01T00:00:00.000001Z');
  assert.equal(holderSpec(releasedSpec(mine), 'you', wall).leaseTransitions, 2);
});

test('two renewals differ even when the wall clock stands', () => {
  assert.notDeepEqual(holderSpec(mine, 'me', { ...wall, count: 2 }), mine);
});

/** One process: what it knows, and what of it is on its way to or from the API server. */
interface Process {
  identity: string;
  /** Its monotonic clock ahead of the true time, ms. */
  offsetMs: number;
  observed?: ObservedLease | undefined;
  renewedAtMs?: number | undefined;
  read?: Store | undefined;
  write?: { spec: LeaseSpec; version: number; sentAtMs: number } | undefined;
  answer?: { ok: boolean; sentAtMs: number } | undefined;
}
interface Store {
  version: number;
  spec: LeaseSpec;
}

/** What happens next to a process: it gets on by one message, its answer is lost, or it begins again. */
interface Step {
  who: 0 | 1;
  what: 'on' | 'lose' | 'restart';
  afterMs: number;
  wallMs: number;
}

/** Runs a schedule; returns who believed to lead, one after another, or `both` when two did at once. */
function play(steps: readonly Step[], store: { checksVersion: boolean }): string[] {
  let nowMs = 0;
  let stored: Store = { version: 1, spec: {} };
  const processes: [Process, Process] = [
    { identity: 'a', offsetMs: 0 },
    { identity: 'b', offsetMs: 7_777_777 },
  ];
  const leaders: string[] = [];
  const observe = (): void => {
    const believers = processes.filter(({ renewedAtMs, offsetMs }) =>
      withinRenewDeadline(renewedAtMs, nowMs + offsetMs),
    );
    const said = believers.length > 1 ? 'both' : believers[0]?.identity;
    if (said !== undefined && leaders.at(-1) !== said) leaders.push(said);
  };
  const takeWrite = (process: Process, { spec, version, sentAtMs }: NonNullable<Process['write']>): void => {
    const ok = !store.checksVersion || version === stored.version;
    if (ok) stored = { version: stored.version + 1, spec };
    process.write = undefined;
    process.answer = { ok, sentAtMs };
  };
  const getOn = (process: Process, step: Step): void => {
    const ownMs = nowMs + process.offsetMs;
    if (process.answer !== undefined) {
      const { ok, sentAtMs } = process.answer;
      if (ok && withinRenewDeadline(sentAtMs, ownMs)) process.renewedAtMs = sentAtMs;
      process.answer = undefined;
    } else if (process.write !== undefined) takeWrite(process, process.write);
    else if (process.read === undefined) process.read = stored;
    else decide(process, process.read, ownMs, step);
  };
  const decide = (process: Process, { spec, version }: Store, ownMs: number, step: Step): void => {
    const { identity, renewedAtMs } = process;
    process.read = undefined;
    process.observed = observeLease(process.observed, spec, ownMs);
    const next = nextLeaseStep({ identity, observed: process.observed, renewedAtMs }, ownMs);
    if (next === 'lost') Object.assign(process, { observed: undefined, renewedAtMs: undefined });
    if (next !== 'acquire' && next !== 'renew') return;
    const held = holderSpec(spec, identity, { nowMs: step.wallMs, count: version });
    process.write = { spec: held, version, sentAtMs: ownMs };
  };
  for (const step of steps) {
    nowMs += step.afterMs;
    const process = processes[step.who];
    observe();
    if (step.what === 'on') getOn(process, step);
    else if (step.what === 'lose') process.answer = undefined;
    else
      Object.assign(process, {
        observed: undefined,
        renewedAtMs: undefined,
        read: undefined,
        answer: undefined,
      });
    observe();
  }
  return leaders;
}

const schedules = fc.array(
  fc.record<Step>({
    who: fc.constantFrom(0, 1),
    what: fc.oneof(
      { weight: 12, arbitrary: fc.constant('on' as const) },
      { weight: 1, arbitrary: fc.constantFrom('lose' as const, 'restart' as const) },
    ),
    // Mostly a network's times, now and then a pause around the deadline, the duration, or a minute.
    afterMs: fc.oneof(
      { weight: 6, arbitrary: fc.nat(300) },
      { weight: 1, arbitrary: fc.constantFrom(1_900, 3_900, 4_100, 5_900, 6_100, 60_000) },
    ),
    wallMs: fc.constantFrom(0, wall.nowMs, wall.nowMs + 86_400_000, wall.nowMs - 86_400_000),
  }),
  { minLength: 20, maxLength: 150 },
);
const runs = { numRuns: 3_000, seed: 5 };

test('two candidates with pauses, lost answers, restarts and jumping clocks never both believe that they lead', () => {
  const changes = new Set<string>();
  fc.assert(
    fc.property(schedules, (steps) => {
      const leaders = play(steps, { checksVersion: true });
      for (const pair of leaders.slice(1).map((leader, index) => `${leaders[index]} ${leader}`))
        changes.add(pair);
      assert.ok(!leaders.includes('both'), leaders.join(' '));
    }),
    runs,
  );
  assert.deepEqual([...changes].sort(), ['a b', 'b a'], 'leadership went to and fro');
});

test('the same schedules find two leaders where the store does not check the version', () => {
  const property = fc.property(schedules, (steps) => !play(steps, { checksVersion: false }).includes('both'));
  assert.equal(fc.check(property, { ...runs, endOnFailure: true }).failed, true);
});
