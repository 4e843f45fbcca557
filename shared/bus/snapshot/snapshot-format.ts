import { manifestOf } from '#shared/bus/records/claim.ts';
import { costOf } from '#shared/bus/records/cost.ts';
import { type BusRecord, parseRecordBytes } from '#shared/bus/records/record.ts';
import { parseKey } from '#shared/contracts/bus/bucket.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import {
  type SnapshotRecord,
  type SnapshotSummary,
  snapshotRecordSchema,
} from '#shared/contracts/kubernetes/rules-snapshot.ts';
import { createSliceMeter, type SlicedWork, workInTurns } from '#shared/runtime/turn-queue.ts';
import { joinParts, type UnpackedSnapshot, unpackSnapshotShards } from './snapshot-shards.ts';

/** A snapshot of the rules as a reader begins with it. */
export interface RulesSnapshot {
  generation: string;
  /** When it was taken, ISO 8601. */
  takenAt: string;
  shards: readonly Uint8Array[];
  records: readonly BusRecord[];
}

/** The content of a snapshot: what a reader has in force (`Reader.records`), one line each. */
export function* formatSnapshot(records: Iterable<BusRecord>): SlicedWork<Buffer> {
  const parts: Buffer[] = [];
  let lines = '';
  const isFull = createSliceMeter();
  for (const record of records) {
    if (isFull(record.bytes.length)) {
      parts.push(Buffer.from(lines));
      lines = '';
      yield;
    }
    lines += formatLine(record);
  }
  parts.push(Buffer.from(lines));
  return yield* joinParts(parts);
}

function formatLine({ key, revision, epoch, seq, bytes, trace }: BusRecord): string {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const record: SnapshotRecord = { key, revision, epoch, seq, body, ...trace };
  return `${JSON.stringify(record)}\n`;
}

/** Bounds the content by what its records are charged: quotes and bytes above 127 take two, and a record's stamp 300. */
const contentShare = 2;
/** A record on the bus has a megabyte at most, and JSON writes a byte as six at most (`\u0001`). */
const mostLineBytes = 6 * 1_024 * 1_024;
const newline = 0x0a;

/** Computes what the records of a snapshot may be charged in all: what a reader keeps of each manager of the chain. */
export const mostSnapshotBytes = ({ chain, limits }: Pick<LatchkeyConfig, 'chain' | 'limits'>): number =>
  chain.length * limits.managerMiB * 1_024 * 1_024;

/**
 * Reads a snapshot from its shards by name, or says why it cannot be used. Whether sets are complete is the reader's to say.
 * @param mostBytes that its records may be charged
 */
export async function readSnapshot(
  files: ReadonlyMap<string, Uint8Array>,
  mostBytes: number,
): Promise<RulesSnapshot | Exclude<UnpackedSnapshot, { state: 'whole' }>> {
  const unpacked = await unpackSnapshotShards(files, contentShare * mostBytes);
  if (unpacked.state !== 'whole') return unpacked;
  const records = await workInTurns(parseContent(unpacked.content, mostBytes));
  if (typeof records === 'string') return { state: 'damaged', problem: records };
  const { generation, takenAt, shards } = unpacked;
  return { generation, takenAt, shards, records };
}

/** Reads line by line, up to the first one that is wrong, and returns the records or that problem. */
function* parseContent(content: Uint8Array, mostBytes: number): SlicedWork<BusRecord[] | string> {
  const records = new Map<string, BusRecord>();
  let costBytes = 0;
  const isFull = createSliceMeter();
  for (let from = 0; from < content.length; ) {
    const end = content.indexOf(newline, from);
    const to = end === -1 ? content.length : end;
    if (isFull(to - from)) yield;
    const record = parseLine(content.subarray(from, to));
    if (record === undefined) return 'a line of its content is no stored record';
    if (records.has(record.key)) return 'it holds a record twice';
    costBytes += costOf(record);
    if (costBytes > mostBytes) return 'it holds more than limits.managerMiB allows';
    records.set(record.key, record);
    from = to + 1;
  }
  return [...records.values()];
}

function parseLine(bytes: Uint8Array): BusRecord | undefined {
  if (bytes.length > mostLineBytes) return undefined;
  try {
    const { body, traceparent, tracestate, ...stamp } = snapshotRecordSchema.parse(parseRecordBytes(bytes));
    const trace = {
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(tracestate === undefined ? {} : { tracestate }),
    };
    return { ...stamp, publisher: '', deleted: false, bytes: Buffer.from(body, 'latin1'), trace };
  } catch {
    return undefined;
  }
}

/** What a packed snapshot of these records says of itself. */
export function* summarize(
  records: Iterable<BusRecord>,
  { generation, takenAt, shards }: Pick<RulesSnapshot, 'generation' | 'takenAt' | 'shards'>,
): SlicedWork<SnapshotSummary> {
  const isFull = createSliceMeter();
  const owners = new Map<string, SnapshotSummary['owners'][number]>();
  for (const record of records) {
    if (isFull(0)) yield;
    const key = parseKey(record.key);
    if (key === undefined) continue;
    const manifest = key.kind === 'manifest' ? manifestOf(record) : undefined;
    const { epoch = 0, seq = 0, records: before = 0 } = owners.get(key.owner) ?? {};
    owners.set(key.owner, {
      owner: key.owner,
      epoch: manifest?.epoch ?? epoch,
      seq: manifest?.seq ?? seq,
      records: before + (key.kind === 'manifest' ? 0 : 1),
    });
  }
  return {
    schema: 1,
    generation,
    takenAt,
    shardBytes: shards.map(({ length }) => length),
    owners: [...owners.values()],
  };
}
