import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { ConnectionDealer } from './connection-dealer.ts';

/** A dealer, and what its workers were handed: worker and id, in order. */
function aDealer() {
  let nowMs = 0;
  const handed: { worker: number; id: number; socket: Socket }[] = [];
  const dealer = new ConnectionDealer(() => nowMs);
  return {
    dealer,
    handed,
    add: (worker: number) => dealer.add(worker, (id, socket) => handed.push({ worker, id, socket })),
    pass: (ms: number) => {
      nowMs += ms;
    },
    accept: (count: number): Socket[] => {
      const sockets = Array.from({ length: count }, () => new Socket());
      for (const socket of sockets) dealer.accept(socket);
      return sockets;
    },
    /** Lets workers take whatever they are handed. */
    takeAll: () => {
      for (const { worker, id } of handed) dealer.took(worker, id);
    },
    workers: () => handed.map(({ worker }) => worker),
  };
}

test('each connection goes to the worker that has the fewest', () => {
  const { dealer, add, accept, takeAll, workers } = aDealer();
  add(1);
  add(2);
  for (let round = 0; round < 4; round += 1) {
    accept(1);
    takeAll();
  }
  assert.deepEqual(workers(), [1, 2, 1, 2]);
  dealer.ended(2, 2);
  accept(2);
  takeAll();
  assert.deepEqual(workers().slice(4), [2, 1]);
});

test('a worker gets the next connection when it has taken the one before, and this copy is closed', () => {
  const { dealer, handed, add, accept, workers } = aDealer();
  add(1);
  const [first, second] = accept(2);
  assert.deepEqual(workers(), [1]);
  assert.equal(first?.destroyed, false);
  dealer.took(1, handed[0]?.id ?? 0);
  assert.deepEqual([first?.destroyed, second?.destroyed, workers()], [true, false, [1, 1]]);
});

test('what a worker had not taken when it ended goes to another', () => {
  const { dealer, handed, add, accept, workers } = aDealer();
  add(1);
  const [socket] = accept(1);
  dealer.remove(1);
  assert.equal(socket?.destroyed, false);
  add(2);
  add(3);
  assert.deepEqual([workers(), handed[1]?.socket], [[1, 2], socket]);
  dealer.remove(2);
  assert.deepEqual([workers(), handed[2]?.socket === socket], [[1, 2, 3], true]);
});

test('connections wait while there is no worker, the oldest of too many is closed', () => {
  const { add, accept, workers } = aDealer();
  const sockets = accept(6_145);
  assert.deepEqual(
    sockets.map(({ destroyed }) => destroyed),
    [true, ...Array.from({ length: 6_144 }, () => false)],
  );
  add(1);
  assert.deepEqual(workers(), [1]);
});

test('a connection that is not taken for five seconds is ended, and its worker gets another', () => {
  const { dealer, add, accept, pass, workers } = aDealer();
  add(1);
  const [late] = accept(1);
  pass(4_999);
  const [next] = accept(1);
  dealer.endLate();
  assert.equal(late?.writableEnded, false);
  pass(1);
  dealer.endLate();
  assert.deepEqual([late?.writableEnded, next?.writableEnded, workers()], [true, false, [1, 1]]);
});

test('one that waits for five seconds is closed, as its caller has given up', () => {
  const { dealer, add, accept, pass, workers } = aDealer();
  const [late] = accept(1);
  pass(4_999);
  const [next] = accept(1);
  pass(1);
  dealer.endLate();
  assert.deepEqual([late?.destroyed, next?.destroyed], [true, false]);
  add(1);
  assert.deepEqual(workers(), [1]);
});

test('closing ends what no worker has taken', () => {
  const { dealer, add, accept } = aDealer();
  add(1);
  const sockets = accept(3);
  dealer.close();
  assert.ok(sockets.every(({ destroyed }) => destroyed));
});
