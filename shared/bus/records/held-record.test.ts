import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aRecord } from '#testkit/nats/a-record.ts';
import { costOf } from './cost.ts';
import { recordHash } from './digest.ts';
import { HeldRecord } from './held-record.ts';

const given = aRecord({ key: 'k8s.entry.ns.db', trace: { traceparent: 't' } });
const others = [
  { ...given, revision: 2 },
  { ...given, epoch: 2 },
  { ...given, seq: 2 },
  { ...given, publisher: 'b' },
  { ...given, deleted: true },
  { ...given, bytes: Buffer.from('{"schema":1 }') },
];

test('a record that is held says the same as before, and is held once', () => {
  const held = HeldRecord.of(given);
  assert.deepEqual({ ...held }, given);
  assert.equal(HeldRecord.of(held), held);
  assert.deepEqual([held.costBytes, held.hash], [costOf(given), recordHash(given.key, given.bytes)]);
});

test('a record without its bytes is told from every other one, and costs and hashes as before', () => {
  const [whole, shed] = [HeldRecord.of(given), HeldRecord.of(given)];
  shed.shed();
  shed.shed();
  assert.deepEqual([shed.bytes.length, shed.trace], [0, {}]);
  assert.deepEqual([shed.costBytes, shed.hash], [whole.costBytes, whole.hash]);
  for (const held of [whole, shed]) {
    assert.ok(held.isSame({ ...given, bytes: new Uint8Array(given.bytes) }));
    for (const other of others) assert.equal(held.isSame(other), false);
  }
  assert.equal(whole.isSame({ ...given, trace: {} }), false);
});
