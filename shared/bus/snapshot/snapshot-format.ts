import { manifestOf } from '#shared/bus/records/claim.ts';
import type { BusRecord } from '#shared/bus/records/record.ts';
import { parseKey } from '#shared/contracts/bus/bucket.ts';
import {
  type SnapshotRecord,
  type SnapshotSummary,
  snapshotRecordSchema,
} from '#shared/contracts/kubernetes/rules-snapshot.ts';
import { type UnpackedSnapshot, unpackSnapshotShards } from './snapshot-shards.ts';

/** A snapshot of the rules as a reader begins with it. */
export interface RulesSnapshot {
  generation: string;
  /** When it was taken, ISO 8601. */
  takenAt: string;
  shards: readonly Uint8Array[];
  records: readonly BusRecord[];
}

/** The content of a snapshot: what a reader has in force (`Reader.records`), one line each. */
export function formatSnapshot(records: readonly BusRecord[]): Buffer {
  const lines = records.map(({ key, revision, epoch, seq, bytes, trace }) => {
    const body = Buffer.from(bytes).toString('latin1');
    const record: SnapshotRecord = { key, revision, epoch, seq, body, ...trace };
    return `${JSON.stringify(record)}\n`;
  });
  return Buffer.from(lines.join(''));
}

/** Reads a snapshot from its shards by name, or says why it cannot be used. Whether sets are complete is the reader's to say. */
export function readSnapshot(
  files: ReadonlyMap<string, Uint8Array>,
): RulesSnapshot | Exclude<UnpackedSnapshot, { state: 'whole' }> {
  const unpacked = unpackSnapshotShards(files);
  if (unpacked.state !== 'whole') return unpacked;
  const records = parseContent(unpacked.content);
  if (records === undefined)
    return { state: 'damaged', problem: 'a line of its content is no stored record' };
  const { generation, takenAt, shards } = unpacked;
  return { generation, takenAt, shards, records };
}

function parseContent(content: Uint8Array): BusRecord[] | undefined {
  const lines = Buffer.from(content).toString('utf8').split('\n').filter(Boolean);
  const records: BusRecord[] = [];
  for (const line of lines) {
    const record = parseLine(line);
    if (record === undefined) return undefined;
    records.push(record);
  }
  return records;
}

function parseLine(line: string): BusRecord | undefined {
  try {
    const { body, traceparent, tracestate, ...stamp } = snapshotRecordSchema.parse(JSON.parse(line));
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
export function summarize(
  records: readonly BusRecord[],
  { generation, takenAt, shards }: Pick<RulesSnapshot, 'generation' | 'takenAt' | 'shards'>,
): SnapshotSummary {
  const owners = new Map<string, SnapshotSummary['owners'][number]>();
  for (const record of records) {
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
