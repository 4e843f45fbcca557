import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { recordsPerSlice } from '#shared/runtime/turn-queue.ts';
import { aRecord } from '#testkit/nats/a-record.ts';
import type { ToWorker } from './to-worker.ts';
import { setMessages, WorkerFeed } from './worker-feed.ts';

const version = { owner: 'k8s', epoch: 1, seq: 7 };
const drain: ToWorker = { kind: 'drain' };
const serve: ToWorker = { kind: 'serve' };

test('a set is sent in slices, and its version behind them; what is gone has no bytes', () => {
  const record = aRecord({ key: 'k8s.entry.ns.db' });
  const many = Array.from({ length: recordsPerSlice + 1 }, () => [record.key, record] as const);
  const messages = [...setMessages(version, [...many, ['k8s.entry.ns.gone', undefined]])];
  assert.deepEqual(
    messages.map((message) => (message.kind === 'records' ? message.records.length : message)),
    [recordsPerSlice, 2, { kind: 'set', ...version }],
  );
  const [, last] = messages;
  assert.deepEqual(last?.kind === 'records' && last.records.at(-1), [
    'k8s.entry.ns.gone',
    undefined,
    undefined,
  ]);
});

test('each message waits until the one before is sent, and nothing is made ahead of its turn', async () => {
  const sent: ToWorker[] = [];
  const sending = Promise.withResolvers<void>();
  const feed = new WorkerFeed((message) => {
    sent.push(message);
    return sending.promise;
  });
  let isMade = false;
  feed.add([serve]);
  feed.add(
    (function* later() {
      isMade = true;
      yield drain;
    })(),
  );
  await nextTurn();
  assert.deepEqual([sent, isMade], [[serve], false]);
  sending.resolve();
  while (sent.length < 2) await nextTurn();
  assert.deepEqual(sent, [serve, drain]);
});

test('to a worker that has ended nothing more is sent', async () => {
  const sent: ToWorker[] = [];
  const feed = new WorkerFeed(async (message) => {
    sent.push(message);
    feed.end();
  });
  feed.add([serve, drain]);
  feed.add([drain]);
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  assert.deepEqual(sent, [serve]);
});
