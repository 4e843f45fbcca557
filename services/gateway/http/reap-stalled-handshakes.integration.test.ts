import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { reapStalledHandshakes } from './reap-stalled-handshakes.ts';

/** A server whose connections come when the test says so, and a clock that it moves, 5 ms a tick. */
function harness(most = 10_000) {
  const server = new EventEmitter();
  let nowMs = 0;
  let tick: (() => void) | undefined;
  let evicted = 0;
  const handshakes = reapStalledHandshakes(server, {
    clock: {
      monotonicMs: () => nowMs,
      every: (_ms, task) => {
        tick = task;
        return () => {
          tick = undefined;
        };
      },
    },
    most,
    onEvicted: () => {
      evicted += 1;
    },
  });
  const ended: number[] = [];
  let port = 0;
  const connect = (): Socket => {
    port += 1;
    const socket = new Socket();
    Object.defineProperties(socket, {
      remoteAddress: { value: '10.0.0.1' },
      remotePort: { value: port },
      localAddress: { value: '10.0.0.2' },
      localPort: { value: 9443 },
      destroy: { value: () => ended.push(nowMs) },
    });
    server.emit('connection', socket);
    return socket;
  };
  return {
    handshakes,
    evicted: () => evicted,
    ended,
    ticks: () => tick !== undefined,
    connect,
    secure: (socket: Socket) => server.emit('secureConnection', socket),
    pass: (ms: number) => {
      for (const endMs = nowMs + ms; nowMs < endMs; ) {
        nowMs += 5;
        tick?.();
      }
    },
  };
}

test('8,192 connections without a handshake end well before Node ends the rest at once, few in one turn', () => {
  const { connect, pass, ended, handshakes } = harness();
  for (let count = 0; count < 8_192; count += 1) connect();
  pass(4_990);
  assert.equal(ended.length, 0);
  pass(3_500);
  assert.equal(ended.length, 8_192);
  assert.equal(handshakes.count(), 0);
  const perTurn = Map.groupBy(ended, (atMs) => atMs);
  assert.ok(Math.max(...Array.from(perTurn.values(), (turn) => turn.length)) <= 41);
});

test('a connection past its handshake, or closed, is no longer followed', () => {
  const { connect, secure, pass, ended, handshakes } = harness();
  secure(connect());
  connect().emit('close');
  connect();
  assert.equal(handshakes.count(), 1);
  pass(6_000);
  assert.equal(ended.length, 1);
});

test('a stop ends the handshakes that are under way, and those that begin later', () => {
  const { connect, handshakes, ended } = harness();
  connect();
  handshakes.stop();
  assert.equal(ended.length, 1);
  connect();
  assert.equal(ended.length, 2);
});

test('above their limit a new connection ends the oldest handshake, and none that is finished', () => {
  const { connect, secure, ended, evicted, handshakes } = harness(2);
  secure(connect());
  connect();
  connect();
  assert.equal(ended.length, 0);
  connect();
  assert.deepEqual([ended.length, evicted(), handshakes.count()], [1, 1, 2]);
});

test('nothing ticks before a connection, nor after the last handshake is over', () => {
  const { connect, secure, pass, ticks } = harness();
  assert.equal(ticks(), false);
  const socket = connect();
  pass(10);
  assert.equal(ticks(), true);
  secure(socket);
  pass(10);
  assert.equal(ticks(), false);
  connect();
  assert.equal(ticks(), true);
});
