import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { Clock } from '#shared/runtime/clock.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';
import { createLifecycle, type Service } from './lifecycle.ts';

const silent = pino({ level: 'silent' });

/** A process that only remembers, and a deadline that passes when the test says so. */
function harness(service: Partial<Service>) {
  const listeners = new Map<string, (argument: unknown) => void>();
  const exits: number[] = [];
  const deadline = Promise.withResolvers<void>();
  const exited = Promise.withResolvers<void>();
  const clock: Clock = {
    now: () => 0,
    monotonicMs: () => 0,
    sleep: () => deadline.promise,
    every: () => () => undefined,
  };
  const lifecycle = createLifecycle({
    service: { start: async () => undefined, stop: async () => undefined, ...service },
    process: {
      on: (event, listener) => listeners.set(event, listener),
      exit: (code) => {
        exits.push(code);
        exited.resolve();
      },
    },
    log: silent,
    clock,
    stopDeadlineMs: 1,
  });
  return {
    lifecycle,
    exits,
    exited: exited.promise,
    passDeadline: deadline.resolve,
    emit: (event: string, argument?: unknown) => listeners.get(event)?.(argument),
  };
}

test('SIGTERM stops the service in order and exits 0', async () => {
  let stopped = false;
  const { lifecycle, emit, exits, exited } = harness({
    stop: async () => {
      stopped = true;
    },
  });
  await lifecycle.run();
  emit('SIGTERM');
  await exited;
  assert.deepEqual({ exits, stopped }, { exits: [0], stopped: true });
});

test('a second signal exits at once', async () => {
  const { lifecycle, emit, exits } = harness({ stop: () => new Promise(() => undefined) });
  await lifecycle.run();
  emit('SIGTERM');
  emit('SIGINT');
  assert.deepEqual(exits, [exitCode.secondSignal]);
});

test('a stop past its deadline exits with a code of its own', async () => {
  const { lifecycle, emit, exits, exited, passDeadline } = harness({
    stop: () => new Promise(() => undefined),
  });
  await lifecycle.run();
  emit('SIGTERM');
  passDeadline();
  await exited;
  assert.deepEqual(exits, [exitCode.deadline]);
});

test('a failed start and an unhandled rejection end the process with 1', async () => {
  const failing = harness({ start: () => Promise.reject(new Error('no')) });
  await failing.lifecycle.run();
  await failing.exited;
  assert.deepEqual(failing.exits, [exitCode.failed]);
  const running = harness({});
  await running.lifecycle.run();
  running.emit('unhandledRejection', new Error('late'));
  await running.exited;
  assert.deepEqual(running.exits, [exitCode.failed]);
});

test('a service can end the process with its own code', async () => {
  const { lifecycle, exits } = harness({});
  await lifecycle.run();
  await lifecycle.end(exitCode.superseded, 'a newer publisher');
  assert.deepEqual(exits, [exitCode.superseded]);
});
