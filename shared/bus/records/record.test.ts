import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headers } from '@nats-io/transport-node';
import { auditIntervalMs } from './mirror-schedule.ts';
import { formatHeaders, parseHeaders, parseRecordBytes, tombstoneTtlMs } from './record.ts';

test('what a publisher writes into the headers is what a reader gets', () => {
  for (const deleted of [false, true]) {
    const stamp = {
      epoch: 3,
      seq: 14,
      publisher: 'p',
      deleted,
      trace: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=b' },
    };
    assert.deepEqual(parseHeaders(formatHeaders(stamp)), stamp);
  }
});

test('missing or broken numbers read as 0, below that of any publisher', () => {
  const broken = headers();
  broken.set('Latchkey-Epoch', '-1');
  broken.set('Latchkey-Seq', 'many');
  assert.deepEqual(parseHeaders(broken), { epoch: 0, seq: 0, publisher: '', deleted: false, trace: {} });
});

test('a number that no publisher could follow reads as 0, and a text that none writes as absent', () => {
  const given = headers();
  given.set('Latchkey-Epoch', String(2 ** 40 + 1));
  given.set('Latchkey-Seq', String(2 ** 40));
  given.set('Latchkey-Publisher', 'p'.repeat(65));
  given.set('traceparent', 't'.repeat(56));
  given.set('tracestate', 's'.repeat(513));
  assert.deepEqual(parseHeaders(given), { epoch: 0, seq: 2 ** 40, publisher: '', deleted: false, trace: {} });
});

test('a purge of a key and the marker of an expired one read as tombstones', () => {
  for (const [name, value] of [
    ['KV-Operation', 'PURGE'],
    ['Nats-Marker-Reason', 'MaxAge'],
  ] as const) {
    const marker = headers();
    marker.set(name, value);
    assert.equal(parseHeaders(marker).deleted, true);
  }
});

test('a record whose parsing would hold the event loop up counts as no JSON', (t) => {
  const orders = Array.from({ length: 1_500 }, (_, turn) =>
    Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`k${(at * (turn + 1)) % 2_003}`, 0])),
  );
  const parse = t.mock.method(JSON, 'parse');
  assert.ok(parseRecordBytes(Buffer.from(JSON.stringify(orders))) === undefined);
  assert.equal(parse.mock.callCount(), 0);
  assert.deepEqual(parseRecordBytes(Buffer.from(JSON.stringify(orders.slice(0, 100)))), orders.slice(0, 100));
});

test('a reader who was away for as long as a tombstone lives reads everything again', () => {
  assert.ok(tombstoneTtlMs > auditIntervalMs);
});
