import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { manifestOf } from '#shared/bus/records/claim.ts';
import { DigestSum, recordHash } from '#shared/bus/records/digest.ts';
import { type BusRecord, bodyOf } from '#shared/bus/records/record.ts';
import { formatKey, parseKey } from '#shared/contracts/bus/bucket.ts';
import type { Manifest } from '#shared/contracts/bus/manifest.ts';
import { createSliceMeter, type SlicedWork, workInTurns } from '#shared/runtime/turn-queue.ts';
import { formatSnapshot } from './snapshot-format.ts';

/** Rules that are left out of a snapshot: of one namespace, or without one all of a manager. */
export interface LeftOutRules {
  owner: string;
  namespace?: string;
}

/** Records that stay or go together. */
interface Part extends LeftOutRules {
  records: BusRecord[];
}

const compress = promisify(gzip);

interface Size {
  packedBytes: number;
  contentBytes: number;
}
type SizedPart = Part & Size;

/**
 * Cuts rules down to what has room in a snapshot: the largest namespaces go first, so that each of the others keeps its
 * share. Only where what managers say for all namespaces has no room by itself, the largest manager goes as a whole. A
 * namespace goes with its marker, so that a gateway knows that it does not know it; what a manager has left is a complete
 * set again.
 * @param room for records, compressed and not
 */
export async function shareSnapshot(
  records: readonly BusRecord[],
  room: Size,
): Promise<{ records: BusRecord[]; leftOut: LeftOutRules[] }> {
  const parts: SizedPart[] = [];
  // One after another: the contents of all of them are as much as the whole.
  for (const part of await workInTurns(partsOf(records))) parts.push(await sized(part));
  const wholes = parts.filter(({ namespace }) => namespace === undefined);
  const goneOwners = largestBeyond(room, wholes);
  const isGone = ({ owner }: Part): boolean => goneOwners.some((gone) => gone.owner === owner);
  const left = parts.filter((part) => !isGone(part));
  const goneNamespaces = largestBeyond(room, left, ({ namespace }) => namespace !== undefined);
  const kept = await workInTurns(without(records, [...parts.filter(isGone), ...goneNamespaces]));
  const cutOwners = new Set(goneNamespaces.map(({ owner }) => owner));
  const leftOut = [...goneOwners, ...goneNamespaces].map(({ owner, namespace }) => ({
    owner,
    ...(namespace === undefined ? {} : { namespace }),
  }));
  return { records: await workInTurns(recounted(kept, cutOwners)), leftOut };
}

async function sized(part: Part): Promise<SizedPart> {
  const content = await workInTurns(formatSnapshot(part.records));
  return { ...part, contentBytes: content.length, packedBytes: (await compress(content)).length };
}

/** The largest parts, as many as have to go so that the others have room. */
function largestBeyond(
  room: Size,
  parts: readonly SizedPart[],
  mayGo: (part: SizedPart) => boolean = () => true,
): SizedPart[] {
  const sum = { packedBytes: 0, contentBytes: 0 };
  for (const { packedBytes, contentBytes } of parts) {
    sum.packedBytes += packedBytes;
    sum.contentBytes += contentBytes;
  }
  const gone: SizedPart[] = [];
  for (const part of parts.filter(mayGo).sort((left, right) => right.packedBytes - left.packedBytes)) {
    if (sum.packedBytes <= room.packedBytes && sum.contentBytes <= room.contentBytes) break;
    gone.push(part);
    sum.packedBytes -= part.packedBytes;
    sum.contentBytes -= part.contentBytes;
  }
  return gone;
}

/** One part for each namespace of each manager that is asked by namespace, one for the rest of each manager. */
function* partsOf(records: readonly BusRecord[]): SlicedWork<Part[]> {
  const isFull = createSliceMeter();
  const divisible = yield* divisibleOwners(records);
  const parts = new Map<string, Part>();
  for (const record of records) {
    if (isFull(0)) yield;
    const key = parseKey(record.key);
    if (key === undefined) continue;
    const namespace = 'namespace' in key && divisible.has(key.owner) ? key.namespace : undefined;
    const name = JSON.stringify([key.owner, namespace]);
    const part = parts.get(name) ?? {
      owner: key.owner,
      ...(namespace === undefined ? {} : { namespace }),
      records: [],
    };
    part.records.push(record);
    parts.set(name, part);
  }
  return [...parts.values()];
}

/** Finds the managers that are asked by namespace. */
function* divisibleOwners(records: readonly BusRecord[]): SlicedWork<Set<string>> {
  const isFull = createSliceMeter();
  const divisible = new Set<string>();
  for (const record of records) {
    if (isFull(0)) yield;
    const key = parseKey(record.key);
    if (key?.kind === 'recipe' && scopeOf(record) === 'namespace') divisible.add(key.owner);
  }
  return divisible;
}

const scopeOf = (record: BusRecord): unknown => (bodyOf(record) as { scope?: unknown } | undefined)?.scope;

/** The records without those of some parts, in their order. */
function* without(records: readonly BusRecord[], parts: readonly Part[]): SlicedWork<BusRecord[]> {
  const isFull = createSliceMeter();
  const dropped = new Set<BusRecord>();
  for (const part of parts) {
    for (const record of part.records) {
      if (isFull(0)) yield;
      dropped.add(record);
    }
  }
  const kept: BusRecord[] = [];
  for (const record of records) {
    if (isFull(0)) yield;
    if (!dropped.has(record)) kept.push(record);
  }
  return kept;
}

/** The records, with manifests of owners of whom something is left out that say what is left. */
function* recounted(kept: readonly BusRecord[], cutOwners: ReadonlySet<string>): SlicedWork<BusRecord[]> {
  if (cutOwners.size === 0) return [...kept];
  const isFull = createSliceMeter();
  const digests = new Map(Array.from(cutOwners, (owner) => [owner, new DigestSum()]));
  for (const { key, bytes } of kept) {
    if (isFull(bytes.length)) yield;
    const parsed = parseKey(key);
    if (parsed === undefined || parsed.kind === 'manifest') continue;
    digests.get(parsed.owner)?.add(recordHash(key, bytes));
  }
  const manifestKeys = new Map(
    Array.from(digests, ([owner, left]) => [formatKey({ owner, kind: 'manifest' }), left]),
  );
  const result: BusRecord[] = [];
  for (const record of kept) {
    if (isFull(0)) yield;
    const left = manifestKeys.get(record.key);
    result.push(left === undefined ? record : recountedManifest(record, left));
  }
  return result;
}

/** A manifest that matches what is left of an owner. */
function recountedManifest(record: BusRecord, left: DigestSum): BusRecord {
  const says = manifestOf(record);
  if (says === undefined) return record;
  const manifest: Manifest = { ...says, count: left.count, digest: left.digest() };
  return { ...record, bytes: new TextEncoder().encode(JSON.stringify(manifest)) };
}
