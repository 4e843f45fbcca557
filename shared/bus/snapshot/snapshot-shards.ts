import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import {
  maxShardBytes,
  type ShardHeader,
  shardHeaderSchema,
  snapshotShardCount,
  snapshotShardName,
} from '#shared/contracts/kubernetes/rules-snapshot.ts';
import { checkShape } from '#shared/contracts/shapes/check-shape.ts';
import { type SlicedWork, workInTurns } from '#shared/runtime/turn-queue.ts';

/** Room for the header of a shard and its newline. */
const headerBytes = 512;
/** Most that is unpacked of any: four full shards of text never reach it. */
export const maxContentBytes = 128 * 1_024 * 1_024;
const newline = 0x0a;
/** Bytes that unpacking hands over at once. */
const unpackedChunkBytes = 256 * 1_024;

/** Bytes that are hashed or copied in one turn of the event loop. */
const bytesPerTurn = 1_024 * 1_024;

/** The generation of a snapshot with this content. */
export function* generationOf(content: Uint8Array): SlicedWork<string> {
  const hash = createHash('sha256');
  for (let from = 0; from < content.length; from += bytesPerTurn) {
    if (from > 0) yield;
    hash.update(content.subarray(from, from + bytesPerTurn));
  }
  return hash.digest('hex');
}

/** Joins parts in slices: a hundred megabytes at once would hold the event loop up. */
export function* joinParts(parts: readonly Uint8Array[]): SlicedWork<Buffer> {
  const joined = Buffer.allocUnsafe(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  let copied = 0;
  for (const part of parts) {
    copied += part.length;
    if (copied > bytesPerTurn) {
      yield;
      copied = part.length;
    }
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/**
 * Content packed into shards; `shards` is undefined when it needs more than there are, or is longer than a reader unpacks.
 */
export interface PackedSnapshot {
  generation: string;
  takenAt: string;
  contentBytes: number;
  /** Size of the gzipped content. */
  packedBytes: number;
  shards: readonly Uint8Array[] | undefined;
}

/** Packs content into as few shards as it needs, each at most `maxShardBytes` long. */
export async function packSnapshotShards(content: Uint8Array, takenAt: string): Promise<PackedSnapshot> {
  const generation = await workInTurns(generationOf(content));
  const packed = await promisify(gzip)(content);
  return {
    generation,
    takenAt,
    contentBytes: content.length,
    packedBytes: packed.length,
    shards: content.length > maxContentBytes ? undefined : cutIntoShards(packed, { generation, takenAt }),
  };
}

/** Cuts packed content into shards; undefined when it needs more than there are. */
function cutIntoShards(
  packed: Uint8Array,
  { generation, takenAt }: Pick<ShardHeader, 'generation' | 'takenAt'>,
): Buffer[] | undefined {
  const partBytes = maxShardBytes - headerBytes;
  const count = Math.ceil(packed.length / partBytes);
  if (count > snapshotShardCount) return undefined;
  return Array.from({ length: count }, (_, index) => {
    const header: ShardHeader = { schema: 1, generation, index, count, takenAt };
    const part = packed.subarray(index * partBytes, (index + 1) * partBytes);
    return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), part]);
  });
}

/** What was found where the shards are kept. */
export type UnpackedSnapshot =
  | {
      state: 'whole';
      generation: string;
      takenAt: string;
      /** Those that it is made of, in their order. */
      shards: readonly Uint8Array[];
      content: Uint8Array;
    }
  /** There is none (yet), it is of several generations, or it is not what was written. */
  | { state: 'missing' | 'torn' | 'damaged'; problem: string };

/**
 * Reverses {@link packSnapshotShards}. Shards by name; those that the first one does not count are left aside.
 * @param mostContentBytes of unpacked content: gzip makes a thousand bytes of one, and whoever writes the Secrets chooses it
 */
export async function unpackSnapshotShards(
  files: ReadonlyMap<string, Uint8Array>,
  mostContentBytes: number = maxContentBytes,
): Promise<UnpackedSnapshot> {
  const first = readShard(files, 0);
  if (first === undefined) return { state: 'missing', problem: `there is no ${snapshotShardName(0)}` };
  if (first === 'damaged') return damagedHeader(0);
  const { generation, count, takenAt } = first.header;
  const shards: Uint8Array[] = [];
  const parts: Uint8Array[] = [];
  for (let index = 0; index < count; index += 1) {
    const shard = readShard(files, index);
    if (shard === 'damaged') return damagedHeader(index);
    if (shard?.header.generation !== generation || shard.header.count !== count) {
      const problem = `${snapshotShardName(index)} is not of the generation of ${snapshotShardName(0)}`;
      return { state: 'torn', problem };
    }
    shards.push(shard.bytes);
    parts.push(shard.part);
  }
  const content = await unpack(Buffer.concat(parts), Math.min(maxContentBytes, mostContentBytes));
  if (content === 'long') return { state: 'damaged', problem: 'it holds more than limits.managerMiB allows' };
  return content === undefined || (await workInTurns(generationOf(content))) !== generation
    ? { state: 'damaged', problem: 'the content does not have the digest that its generation names' }
    : { state: 'whole', generation, takenAt, shards, content };
}

const damagedHeader = (index: number): UnpackedSnapshot => ({
  state: 'damaged',
  problem: `${snapshotShardName(index)} does not begin with the header of that shard`,
});

function readShard(
  files: ReadonlyMap<string, Uint8Array>,
  index: number,
): { header: ShardHeader; bytes: Uint8Array; part: Uint8Array } | 'damaged' | undefined {
  const bytes = files.get(snapshotShardName(index));
  if (bytes === undefined) return undefined;
  const end = bytes.indexOf(newline);
  const header = parseHeader(Buffer.from(bytes.subarray(0, Math.max(end, 0))).toString('utf8'));
  return header?.index === index ? { header, bytes, part: bytes.subarray(end + 1) } : 'damaged';
}

function parseHeader(text: string): ShardHeader | undefined {
  try {
    return checkShape(shardHeaderSchema, JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

async function unpack(packed: Uint8Array, maxOutputLength: number): Promise<Uint8Array | 'long' | undefined> {
  try {
    return await promisify(gunzip)(packed, { maxOutputLength, chunkSize: unpackedChunkBytes });
  } catch (err) {
    const isLong = err instanceof Error && 'code' in err && err.code === 'ERR_BUFFER_TOO_LARGE';
    return isLong ? 'long' : undefined;
  }
}
