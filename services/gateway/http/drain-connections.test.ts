import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { drainConnections, drainTimes } from './drain-connections.ts';
import type { OpenConnections } from './open-connections.ts';

/** Connections as `state` says at each time of a clock that only a sleep moves; what was done, and when. */
function harness(
  state: (nowMs: number) => { busy?: number; count?: number; handshakes?: number; lastRequestAtMs?: number },
) {
  let nowMs = 1_000;
  const startedAtMs = nowMs;
  const done: { drainedAtMs?: number; endedAtMs?: number } = {};
  const logged: { level: number; msg: string; inFlight?: number }[] = [];
  const current = () => ({
    busy: 0,
    count: 0,
    handshakes: 0,
    lastRequestAtMs: 0,
    ...state(nowMs - startedAtMs),
  });
  const connections: OpenConnections = {
    busy: () => current().busy,
    count: () => current().count,
    lastRequestAtMs: () => startedAtMs + current().lastRequestAtMs,
    drain: () => {
      done.drainedAtMs ??= nowMs - startedAtMs;
    },
    end: () => undefined,
    endUnread: () => undefined,
    endIdle: () => {
      done.endedAtMs ??= nowMs - startedAtMs;
    },
    begin: () => true,
    follow: () => undefined,
  };
  const clock = {
    now: () => 0,
    monotonicMs: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
    },
    every: () => () => undefined,
  };
  const log = pino({ base: null }, { write: (line) => logged.push(JSON.parse(line)) });
  const run = async () => {
    await drainConnections({ connections, handshakes: () => current().handshakes, clock, log });
    return { ...done, resolvedAtMs: nowMs - startedAtMs, logged };
  };
  return run();
}
const { least, quiet, longest, close } = drainTimes;
const pollMs = 50;
const isAbout = (actual: number | undefined, expected: number): void =>
  assert.ok(actual !== undefined && actual >= expected && actual <= expected + pollMs, `${actual}`);

test('without requests it serves for the least time, and every answer closes its connection from the start', async () => {
  const { drainedAtMs, endedAtMs, resolvedAtMs } = await harness(() => ({}));
  assert.equal(drainedAtMs, 0);
  isAbout(endedAtMs, least);
  isAbout(resolvedAtMs, least);
});

test('input 52: it serves until no request has come for a while and none is in flight', async () => {
  const lastMs = 7_000;
  const stream = await harness((nowMs) => ({ lastRequestAtMs: Math.min(nowMs, lastMs) }));
  isAbout(stream.endedAtMs, lastMs + quiet);
  const slow = await harness((nowMs) => ({ busy: nowMs < 9_000 ? 1 : 0 }));
  isAbout(slow.endedAtMs, 9_000);
});

test('requests that never end are served until the deadline, and the log says so', async () => {
  const { endedAtMs, resolvedAtMs, logged } = await harness((nowMs) => ({
    lastRequestAtMs: nowMs,
    count: 1,
  }));
  isAbout(endedAtMs, longest);
  isAbout(resolvedAtMs, longest + close);
  assert.match(logged[0]?.msg ?? '', /requests still come/);
});

test('clients get time to close, requests in flight to end; what is left at the deadline is told', async () => {
  const closing = await harness((nowMs) => ({ count: nowMs < 3_500 ? 25 : 0 }));
  isAbout(closing.resolvedAtMs, 3_500);
  const stuck = await harness(() => ({ busy: 2, count: 2 }));
  isAbout(stuck.resolvedAtMs, longest + close);
  assert.deepEqual(stuck.logged.at(-1), {
    ...stuck.logged.at(-1),
    level: 50,
    inFlight: 2,
    msg: 'requests in flight at the deadline are cut off',
  });
});

test('a handshake under way is waited for, one that says nothing for no longer than clients get to close', async () => {
  const soon = await harness((nowMs) => ({ handshakes: nowMs < 3_500 ? 1 : 0 }));
  isAbout(soon.resolvedAtMs, 3_500);
  const silent = await harness(() => ({ handshakes: 1 }));
  isAbout(silent.resolvedAtMs, least + close);
});

test('the longest drain leaves the rest of the stop a few seconds of its deadline', () => {
  assert.ok(longest + close <= 25_000 - 4_000);
});
