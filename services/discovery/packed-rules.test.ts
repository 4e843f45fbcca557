import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { pino } from 'pino';
import { maxShardBytes, snapshotShardCount } from '#shared/contracts/rules-snapshot.ts';
import { entryKey } from '#test/nats/held-set.ts';
import { createPackedRules } from './packed-rules.ts';

const takenAt = '2026-01-01T00:00:00.000Z';

/** One stored record with a body of random bytes, which no compression makes shorter. */
const aRecord = (secret: string, bodyBytes: number) => ({
  ...{
    key: entryKey('k8s', secret),
    revision: 1,
    epoch: 1,
    seq: 1,
    publisher: '',
    deleted: false,
    trace: {},
  },
  bytes: randomBytes(bodyBytes),
});

test('rules are packed once, and rules that do not fit leave the snapshot before until they fit again', async () => {
  const logged: string[] = [];
  const log = pino({ base: null }, { write: (line) => logged.push(JSON.parse(line).err.code) });
  const packed = createPackedRules(undefined, log);
  const small = [aRecord('small', 10)];
  const large = [aRecord('large', snapshotShardCount * maxShardBytes)];
  assert.equal(packed.snapshot(), undefined);
  assert.equal(await packed.pack(small, takenAt), true);
  const snapshot = packed.snapshot();
  assert.equal(snapshot?.summary.takenAt, takenAt);
  assert.equal(await packed.pack(small, takenAt), false);
  for (const _ of ['once', 'and again']) {
    await packed.pack(large, takenAt);
    assert.deepEqual([packed.isOutgrown(), packed.snapshot()], [true, snapshot]);
  }
  assert.deepEqual(logged, ['SNAPSHOT_TOO_LARGE']);
  await packed.pack(small, takenAt);
  assert.deepEqual([packed.isOutgrown(), packed.snapshot()], [false, snapshot]);
});
