import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { createClientErrorHandler } from './client-error-handler.ts';

const timeout = { code: 'ERR_HTTP_REQUEST_TIMEOUT', bytesParsed: 0, rawPacket: { type: 'Buffer', data: [] } };

/** A handler whose ticks come when the test says so, and that tells whom it has ended. */
function harness() {
  let tick: (() => void) | undefined;
  const ended: Socket[] = [];
  const connections = { end: (socket: Socket): void => void ended.push(socket) };
  const handle = createClientErrorHandler(connections, {
    now: () => 0,
    monotonicMs: () => 0,
    sleep: () => new Promise(() => undefined),
    every: (_ms, task) => {
      tick = task;
      return () => {
        tick = undefined;
      };
    },
  });
  return {
    ended,
    fall: (socket: Socket) => handle(Object.assign(new Error('silent'), timeout), socket),
    tick: () => tick?.(),
    ticks: () => tick !== undefined,
  };
}

test('connections that fell silent together end a few at a time, and then nothing ticks', () => {
  const { ended, fall, tick, ticks } = harness();
  assert.equal(ticks(), false);
  const silent = Array.from({ length: 12 }, () => new Socket());
  for (const socket of silent) fall(socket);
  assert.equal(ended.length, 0);
  tick();
  assert.equal(ended.length, 5);
  tick();
  tick();
  assert.deepEqual(ended, silent);
  assert.equal(ticks(), false);
});

test('a connection that has closed meanwhile takes nobody else their turn', () => {
  const { ended, fall, tick } = harness();
  const [gone, ...others] = Array.from({ length: 6 }, () => new Socket());
  for (const socket of [gone, ...others]) if (socket !== undefined) fall(socket);
  gone?.destroy();
  tick();
  assert.deepEqual(ended, others);
});
