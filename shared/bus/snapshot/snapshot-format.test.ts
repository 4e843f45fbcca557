import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { BusRecord } from '#shared/bus/records/record.ts';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import { snapshotShardName } from '#shared/contracts/kubernetes/rules-snapshot.ts';
import { finishWork } from '#shared/runtime/turn-queue.ts';
import { aRecord } from '#testkit/nats/a-record.ts';
import { heavyPropertyRuns } from '#testkit/properties/property-runs.ts';
import { formatSnapshot, readSnapshot } from './snapshot-format.ts';
import { packSnapshotShards } from './snapshot-shards.ts';

const takenAt = '2026-01-02T03:04:05.000Z';
const filesOf = (shards: readonly Uint8Array[] = []) =>
  new Map(shards.map((shard, index) => [snapshotShardName(index), shard]));
const mostBytes = 8 * 1_024 * 1_024;
const read = async (content: Uint8Array, most = mostBytes) =>
  readSnapshot(filesOf((await packSnapshotShards(content, takenAt)).shards), most);

/** Any record that a bucket may hold, malformed ones too. */
const anyRecord: fc.Arbitrary<BusRecord> = fc
  .record({
    secret: fc.string({ minLength: 1, unit: 'grapheme' }),
    revision: fc.nat(),
    epoch: fc.nat(),
    seq: fc.nat(),
    bytes: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    trace: fc.record(
      { traceparent: fc.string(), tracestate: fc.string() },
      { requiredKeys: [], noNullPrototype: true },
    ),
  })
  .map(({ secret, ...rest }) =>
    aRecord({
      ...rest,
      publisher: '',
      key: formatKey({ owner: 'k8s', kind: 'entry', namespace: 'n', secret }),
    }),
  );

test('any records come back from a snapshot as they were, to the byte', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(anyRecord, { selector: ({ key }) => key }), async (records) => {
      const snapshot = await read(finishWork(formatSnapshot(records)));
      assert.ok('records' in snapshot);
      assert.deepEqual(snapshot.records, records);
      assert.equal(snapshot.takenAt, takenAt);
    }),
    heavyPropertyRuns(200, 1 / 4),
  );
});

test('content that is not records is damage as a whole', async () => {
  for (const text of ['{', '{"key":"k8s.manifest"}', 'null', '\u{1F511}']) {
    const snapshot = await read(
      Buffer.concat([finishWork(formatSnapshot([aRecord({ key: 'k8s.recipe' })])), Buffer.from(text)]),
    );
    assert.ok('state' in snapshot && snapshot.state === 'damaged', text);
  }
});

test('input 69: a forged snapshot is refused at its first wrong line, and beyond what may be read of the managers', async () => {
  const line = finishWork(formatSnapshot([aRecord({ key: 'k8s.recipe' })])).toString();
  const repeated = (text: string): Buffer =>
    Buffer.alloc(text.length * Math.floor(mostBytes / text.length), text);
  const many = Array.from({ length: 100 }, (_, at) =>
    aRecord({ key: formatKey({ owner: 'k8s', kind: 'entry', namespace: 'n', secret: `s${at}` }) }),
  );
  const problems = {
    'no stored record': [repeated('\n'), repeated('1\n'), Buffer.from(`${line}\n`), repeated('[')],
    'a record twice': [repeated(line)],
    'more than limits.managerMiB': [Buffer.alloc(2 * mostBytes + 1, '\n')],
  };
  for (const [problem, contents] of Object.entries(problems)) {
    for (const content of contents) {
      const found = await read(content);
      assert.ok('problem' in found && found.state === 'damaged' && found.problem.includes(problem), problem);
    }
  }
  assert.ok('records' in (await read(finishWork(formatSnapshot(many)))));
  const tooMany = await read(finishWork(formatSnapshot(many)), 100 * 300);
  assert.ok('problem' in tooMany && tooMany.problem.includes('limits.managerMiB'));
});

test('a record of nothing but quotes is within the room of its charge', async () => {
  const quotes = Buffer.alloc(100_000, '"');
  const record = aRecord({ key: 'k8s.recipe', bytes: quotes });
  assert.ok('records' in (await read(finishWork(formatSnapshot([record])), 100_400)));
});
