import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ToPrimary } from '../workers/to-primary.ts';
import { TakenConnections } from './taken-connections.ts';

function someConnections(most: number) {
  const sent: ToPrimary[] = [];
  const served: Socket[] = [];
  const taken = new TakenConnections({
    most,
    take: (socket) => served.push(socket),
    send: (message) => sent.push(message),
  });
  return { taken, sent, served };
}

/** Lets sockets that were destroyed close, and what they cause be told. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await nextTurn();
}

test('the primary hears of each connection that is taken, and of all that end in one turn together', async () => {
  const { taken, sent, served } = someConnections(8);
  const sockets = [new Socket(), new Socket(), new Socket()];
  for (const [id, socket] of sockets.entries()) taken.take(id, socket, 0);
  assert.deepEqual(served, sockets);
  sent.length = 0;
  for (const socket of sockets) socket.destroy();
  await settle();
  assert.deepEqual(sent, [{ kind: 'ended', connections: 3 }]);
});

test('it tells once whether others wait', () => {
  const { taken } = someConnections(8);
  assert.equal(taken.othersWait(), false);
  taken.take(1, new Socket(), 3);
  assert.deepEqual([taken.othersWait(), taken.othersWait()], [true, false]);
  taken.take(2, new Socket(), 0);
  assert.equal(taken.othersWait(), false);
});

test('one above the limit is closed, as is one whose caller has left on its way', async () => {
  const { taken, sent, served } = someConnections(1);
  const above = new Socket();
  taken.take(1, new Socket(), 0);
  taken.take(2, above, 0);
  taken.take(3, undefined, 0);
  await settle();
  assert.deepEqual([served.length, above.destroyed], [1, true]);
  assert.deepEqual(sent.slice(0, 3), [
    { kind: 'took', id: 1 },
    { kind: 'took', id: 2 },
    { kind: 'took', id: 3 },
  ]);
  const ended = sent.map((message) => (message.kind === 'ended' ? message.connections : 0));
  assert.equal(
    ended.reduce((sum, count) => sum + count),
    2,
  );
});

test('one that comes after the worker has said that it leaves is not taken: the primary has its own copy', () => {
  const { taken, sent, served } = someConnections(8);
  taken.leave();
  taken.leave();
  const late = new Socket();
  taken.take(1, late, 0);
  assert.deepEqual([sent, served, late.destroyed], [[{ kind: 'leaving' }], [], true]);
});
