import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import type { ToPrimary } from './to-primary.ts';
import type { ToWorker } from './to-worker.ts';
import { type WorkerEnd, WorkerPool } from './worker-pool.ts';
import type { StartWorker, WorkerEvents } from './worker-process.ts';

/** A process that does what the test says. */
interface FakeProcess extends WorkerEvents {
  number: number;
  sent: ToWorker[];
  isKilled: boolean;
}

const fill: readonly ToWorker[] = [{ kind: 'keys', keys: [] }];
const exit = { code: 1, signal: null };
const applied = [{ owner: 'k8s', epoch: 1, seq: 1 }];

/** A pool of fake processes, with a clock that the test moves. */
function aPool(count = 2) {
  const processes: FakeProcess[] = [];
  const ends: WorkerEnd[] = [];
  const ticks = new Set<() => void>();
  let nowMs = 0;
  const start: StartWorker = (number, events) => {
    const process: FakeProcess = { ...events, number, sent: [], isKilled: false };
    processes.push(process);
    return {
      pid: processes.length,
      send: async (message) => void process.sent.push(message),
      kill: () => {
        process.isKilled = true;
      },
    };
  };
  const clock = {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: async () => undefined,
    every: (_ms: number, tick: () => void) => {
      ticks.add(tick);
      return () => ticks.delete(tick);
    },
  };
  const log = pino({ level: 'silent' });
  const onEnd = (reason: WorkerEnd): void => void ends.push(reason);
  const pool = new WorkerPool({
    count,
    start,
    clock,
    log,
    fill: () => fill,
    onReport: () => undefined,
    onEnd,
  });
  pool.start();
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn += 1) await nextTurn();
  };
  return {
    ...{ pool, processes, ends, settle },
    at: (index: number): FakeProcess => processes[index] ?? assert.fail(`no process ${index}`),
    /** Lets so many seconds pass. */
    watch: (seconds: number) => {
      for (let second = 0; second < seconds; second += 1) for (const tick of ticks) tick();
    },
    pass: (ms: number) => {
      nowMs += ms;
    },
    /** Goes with a process through what it says until it serves. */
    serve: async (process: FakeProcess) => {
      process.onMessage({ kind: 'started' });
      await settle();
      process.onMessage({ kind: 'report', applied, usable: ['k8s'], certificate: 'A' });
      process.onMessage({ kind: 'serving' });
    },
  };
}

const kindsOf = ({ sent }: FakeProcess): string[] => sent.map(({ kind }) => kind);

test('a worker is filled before it gets a connection, and told of changes behind that', async () => {
  const { pool, at, serve, settle } = aPool(1);
  pool.tell(() => [{ kind: 'keep', managers: [] }]);
  pool.dealer.accept(new Socket());
  at(0).onMessage({ kind: 'started' });
  pool.tell(() => [{ kind: 'keep', managers: ['k8s'] }]);
  await settle();
  assert.deepEqual([kindsOf(at(0)), pool.reports()], [['keys', 'keep', 'serve'], []]);
  await serve(at(0));
  assert.deepEqual(kindsOf(at(0)).includes('connection'), true);
  assert.deepEqual([pool.reports().length, pool.haveAllServed()], [1, true]);
  pool.dealer.close();
});

test('a worker that has crashed is replaced under its number, and its untaken connection goes to the other', async () => {
  const { pool, processes, ends, at, serve, settle } = aPool();
  for (const process of [...processes]) await serve(process);
  const socket = new Socket();
  pool.dealer.accept(socket);
  const hit = processes.findIndex((process) => kindsOf(process).includes('connection'));
  at(hit).onExit(exit);
  await settle();
  assert.ok(kindsOf(at(1 - hit)).includes('connection'));
  assert.deepEqual(
    processes.map(({ number }) => number),
    [1, 2, at(hit).number],
  );
  assert.deepEqual([ends, pool.reports().length, pool.haveAllServed()], [['crashed'], 1, true]);
  await serve(at(2));
  assert.equal(pool.reports().length, 2);
  pool.dealer.close();
});

test('one that leaves for a fault of its own is replaced while it ends, once', async () => {
  const { pool, processes, at, serve, settle } = aPool(1);
  await serve(at(0));
  at(0).onMessage({ kind: 'leaving' });
  await settle();
  assert.equal(processes.length, 2);
  at(0).onExit(exit);
  await settle();
  assert.equal(processes.length, 2);
  assert.deepEqual(pool.reports(), []);
});

test('one that cannot be filled leaves, and never serves although it was told to', async () => {
  const { pool, processes, at, serve, settle } = aPool(1);
  at(0).onMessage({ kind: 'started' });
  at(0).onMessage({ kind: 'leaving' });
  await settle();
  at(0).onMessage({ kind: 'serving' });
  assert.deepEqual([pool.reports(), pool.haveAllServed()], [[], false]);
  at(0).onExit(exit);
  await settle();
  assert.equal(processes.length, 2, 'it has one successor');
  await serve(at(1));
  assert.equal(pool.reports().length, 1);
});

test('what one has said before its end counts for nothing behind it', async () => {
  const { pool, processes, at, settle } = aPool(1);
  at(0).onMessage({ kind: 'started' });
  await settle();
  at(0).onExit(exit);
  at(0).onMessage({ kind: 'serving' });
  at(0).onMessage({ kind: 'leaving' });
  await settle();
  assert.deepEqual([processes.length, pool.haveAllServed()], [2, false]);
});

test('of one that leaves and its successor only the successor is asked for metrics', async () => {
  const { pool, at, serve, settle } = aPool(1);
  await serve(at(0));
  at(0).onMessage({ kind: 'leaving' });
  await settle();
  await serve(at(1));
  await pool.metricsTexts(1);
  assert.deepEqual(
    [at(0), at(1)].map((process) => kindsOf(process).includes('metrics')),
    [false, true],
  );
});

test('one that stands still is ended, not one that was heard', async () => {
  const { processes, ends, at, serve, settle, watch } = aPool();
  for (const process of [...processes]) await serve(process);
  const alive: ToPrimary = { kind: 'report', applied: [], usable: [] };
  watch(20);
  at(1).onMessage(alive);
  watch(11);
  assert.deepEqual([at(0).isKilled, at(1).isKilled], [true, false]);
  at(0).onExit({ code: null, signal: 'SIGKILL' });
  await settle();
  assert.deepEqual(ends, ['silent']);
});

test('a drain tells those that serve, ends those that do not yet, and is over when all have ended', async () => {
  const { pool, processes, ends, at, serve, settle } = aPool();
  await serve(at(0));
  let isOver = false;
  const drained = pool.drain().then(() => {
    isOver = true;
  });
  assert.deepEqual([kindsOf(at(0)).at(-1), at(1).isKilled], ['drain', true]);
  at(1).onExit({ code: null, signal: 'SIGKILL' });
  pool.dealer.accept(new Socket());
  assert.equal(kindsOf(at(0)).at(-1), 'connection');
  await settle();
  assert.equal(isOver, false);
  at(0).onMessage({ kind: 'leaving' });
  at(0).onExit({ code: 0, signal: null });
  await drained;
  assert.deepEqual([processes.length, ends], [2, []]);
});
