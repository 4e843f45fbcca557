import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import { formatSnapshot } from '#shared/bus/snapshot/snapshot-format.ts';
import { packSnapshotShards } from '#shared/bus/snapshot/snapshot-shards.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { snapshotShardName } from '#shared/contracts/kubernetes/rules-snapshot.ts';
import { finishWork } from '#shared/runtime/turn-queue.ts';
import { aRecord } from '#testkit/nats/a-record.ts';
import { readMountedSnapshot } from './mounted-snapshot.ts';

const config = latchkeyConfigSchema.parse({ chain: ['k8s'], limits: { managerMiB: 1 } });
const takenAt = '2026-01-02T03:04:05.000Z';
let folder: string;
/** Two snapshots of the same number of shards. */
let [one, other]: [readonly Uint8Array[], readonly Uint8Array[]] = [[], []];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-snapshot-'));
  [one, other] = await Promise.all([twoShards(), twoShards()]);
});
after(() => rm(folder, { recursive: true, force: true }));

async function writeShards(mount: string, shards: readonly Uint8Array[]): Promise<void> {
  for (const [index, shard] of shards.entries())
    await writeFile(join(mount, snapshotShardName(index)), shard);
}

/**
 * Mounts these shards and reads them; resolves with what was found and with the log.
 * @param later what is mounted by the time that the reader has waited so often
 */
async function read(
  name: string,
  shards: readonly Uint8Array[],
  later?: { waits: number; shards: readonly Uint8Array[] },
) {
  const mount = join(folder, name);
  await mkdir(mount);
  await writeShards(mount, shards);
  let waits = 0;
  const sleep = async () => {
    waits += 1;
    if (waits === later?.waits) await writeShards(mount, later.shards);
  };
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line) => lines.push(line) });
  const found = await readMountedSnapshot(mount, { config, clock: { sleep }, log });
  return { found, waits, log: lines.join('') };
}

/** Shards of a snapshot that needs two of them. */
async function twoShards(): Promise<readonly Uint8Array[]> {
  const bytes = randomBytes(900_000);
  const { shards = [] } = await packSnapshotShards(
    finishWork(formatSnapshot([aRecord({ key: 'k8s.recipe', bytes })])),
    takenAt,
  );
  assert.equal(shards.length, 2);
  return shards;
}

test('a mounted snapshot is read, without a word', async () => {
  const { found, log } = await read('whole', one);
  assert.deepEqual([found?.takenAt, found?.records.length, log], [takenAt, 1, '']);
});

test('the log says whether there is none, a torn one or a damaged one, and it is as if there were none', async () => {
  const cases: [string, readonly Uint8Array[], RegExp][] = [
    ['missing', [], /"level":30.*no snapshot of the rules is mounted/],
    ['torn', [one[0] ?? Buffer.of(), other[1] ?? Buffer.of()], /it is torn.*SNAPSHOT_UNUSABLE/],
    ['cut', one.slice(0, 1), /it is torn.*SNAPSHOT_UNUSABLE/],
    ['damaged', [Buffer.from('damage')], /it is damaged.*SNAPSHOT_UNUSABLE/],
  ];
  for (const [name, shards, message] of cases) {
    const { found, log } = await read(name, shards);
    assert.equal(found, undefined, name);
    assert.match(log, message, name);
  }
});

test('a torn snapshot is read again for a while: the volume was swapped between two of its files', async () => {
  const torn = [one[0] ?? Buffer.of(), other[1] ?? Buffer.of()];
  const { found, log } = await read('swapped', torn, { waits: 3, shards: other });
  assert.deepEqual([found?.records.length, log], [1, '']);
  assert.equal((await read('torn for good', torn)).waits, 6);
  assert.equal((await read('damaged for good', [Buffer.from('damage')])).waits, 0);
});

test('a gateway starts without a forged snapshot that would fill its memory, and says so', async () => {
  const { shards = [] } = await packSnapshotShards(Buffer.alloc(3 * 1_024 * 1_024, '1\n'), takenAt);
  const { found, log } = await read('forged', shards);
  assert.equal(found, undefined);
  assert.match(
    log,
    /"level":50.*cannot be used, it is damaged: it holds more than limits\.managerMiB allows/,
  );
});
