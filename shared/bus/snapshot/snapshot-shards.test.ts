import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import {
  maxShardBytes,
  snapshotShardCount,
  snapshotShardName,
} from '#shared/contracts/kubernetes/rules-snapshot.ts';
import { heavyPropertyRuns } from '#testkit/properties/property-runs.ts';
import { packSnapshotShards, unpackSnapshotShards } from './snapshot-shards.ts';

const takenAt = '2026-01-02T03:04:05.000Z';
const filesOf = (shards: readonly Uint8Array[] = []) =>
  new Map(shards.map((shard, index) => [snapshotShardName(index), shard]));

/** Bytes that gzip cannot make smaller, so that they need a given number of shards. */
const incompressible = (bytes: number): Buffer => randomBytes(bytes);

test('any content comes back from its shards, each of which is within the limit', async () => {
  const sizes = fc.oneof(fc.nat(2_000), fc.integer({ min: 0, max: 3_600_000 }));
  await fc.assert(
    fc.asyncProperty(sizes, async (size) => {
      const content = incompressible(size);
      const { shards, generation } = await packSnapshotShards(content, takenAt);
      assert.ok(shards !== undefined && shards.length <= snapshotShardCount);
      assert.ok(shards.every(({ length }) => length <= maxShardBytes));
      const unpacked = await unpackSnapshotShards(filesOf(shards));
      assert.ok(unpacked.state === 'whole');
      assert.deepEqual([unpacked.generation, unpacked.takenAt], [generation, takenAt]);
      assert.ok(content.equals(unpacked.content));
    }),
    heavyPropertyRuns(25, 1 / 40),
  );
});

test('shards of two snapshots never make one, whichever are mixed', async () => {
  const packs = await Promise.all([1, 2].map(() => packSnapshotShards(incompressible(2_500_000), takenAt)));
  const [one = [], two = []] = packs.map(({ shards }) => shards);
  assert.deepEqual([one.length, two.length], [3, 3]);
  for (const picks of ['000', '001', '010', '011', '100', '101', '110', '111']) {
    const mixed = Array.from(picks, (pick, index) => (pick === '0' ? one : two)[index] ?? Buffer.of());
    const isPure = new Set(picks).size === 1;
    assert.equal((await unpackSnapshotShards(filesOf(mixed))).state, isPure ? 'whole' : 'torn', picks);
  }
});

test('a snapshot that has become smaller or larger is torn until its last shard is written', async () => {
  const large = (await packSnapshotShards(incompressible(2_000_000), takenAt)).shards ?? [];
  const small = (await packSnapshotShards(incompressible(100), takenAt)).shards ?? [];
  assert.deepEqual([large.length, small.length], [3, 1]);
  const [first = Buffer.of()] = small;
  assert.equal((await unpackSnapshotShards(filesOf([first, ...large.slice(1)]))).state, 'whole');
  assert.equal((await unpackSnapshotShards(filesOf(large.slice(0, 2)))).state, 'torn');
});

test('no shard is missing, and a changed byte anywhere is damage, never other content', async () => {
  assert.equal((await unpackSnapshotShards(new Map())).state, 'missing');
  const { shards = [] } = await packSnapshotShards(
    Buffer.from('{"key":"k8s.manifest"}\n'.repeat(20)),
    takenAt,
  );
  const [shard = Buffer.of()] = shards;
  await fc.assert(
    fc.asyncProperty(fc.nat(shard.length - 1), fc.integer({ min: 1, max: 255 }), async (position, flip) => {
      const changed = Buffer.from(shard);
      changed[position] = (changed[position] ?? 0) ^ flip;
      const unpacked = await unpackSnapshotShards(filesOf([changed]));
      if (unpacked.state !== 'whole') return;
      // The time, and in gzip's header the operating system, are in no digest.
      assert.ok(gunzipSync(shard.subarray(shard.indexOf(0x0a) + 1)).equals(unpacked.content));
    }),
    { numRuns: 500 },
  );
});

test('a shard that stands in the place of another one is damage', async () => {
  const { shards = [] } = await packSnapshotShards(incompressible(1_000_000), takenAt);
  assert.equal((await unpackSnapshotShards(filesOf(shards.toReversed()))).state, 'damaged');
});

test('content for which there are not enough shards is not packed, and its size is told', async () => {
  const { shards, packedBytes } = await packSnapshotShards(incompressible(3_700_000), takenAt);
  assert.equal(shards, undefined);
  assert.ok(packedBytes >= 3_700_000);
});
