import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { manifestOf } from '#shared/bus/records/claim.ts';
import { createDigestSet } from '#shared/bus/records/digest.ts';
import { type BusRecord, bodyOf } from '#shared/bus/records/record.ts';
import { parseKey } from '#shared/contracts/bus/bucket.ts';
import type { Manifest } from '#shared/contracts/bus/manifest.ts';
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
  for (const part of partsOf(records)) parts.push(await sized(part));
  const wholes = parts.filter(({ namespace }) => namespace === undefined);
  const goneOwners = largestBeyond(room, wholes);
  const isGone = ({ owner }: Part): boolean => goneOwners.some((gone) => gone.owner === owner);
  const left = parts.filter((part) => !isGone(part));
  const goneNamespaces = largestBeyond(room, left, ({ namespace }) => namespace !== undefined);
  const dropped = new Set([...parts.filter(isGone), ...goneNamespaces].flatMap((part) => part.records));
  const kept = records.filter((record) => !dropped.has(record));
  const cutOwners = new Set(goneNamespaces.map(({ owner }) => owner));
  const leftOut = [...goneOwners, ...goneNamespaces].map(({ owner, namespace }) => ({
    owner,
    ...(namespace === undefined ? {} : { namespace }),
  }));
  return { records: kept.map((record) => recounted(record, cutOwners, kept)), leftOut };
}

async function sized(part: Part): Promise<SizedPart> {
  const content = formatSnapshot(part.records);
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
function partsOf(records: readonly BusRecord[]): Part[] {
  const divisible = new Set<string>();
  for (const record of records) {
    const key = parseKey(record.key);
    if (key?.kind === 'recipe' && scopeOf(record) === 'namespace') divisible.add(key.owner);
  }
  const parts = new Map<string, Part>();
  for (const record of records) {
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

const scopeOf = (record: BusRecord): unknown => (bodyOf(record) as { scope?: unknown } | undefined)?.scope;

/** The record; where it is the manifest of an owner of whom something is left out, one that says what is left. */
function recounted(record: BusRecord, cutOwners: ReadonlySet<string>, kept: readonly BusRecord[]): BusRecord {
  const key = parseKey(record.key);
  if (key?.kind !== 'manifest' || !cutOwners.has(key.owner)) return record;
  const says = manifestOf(record);
  return says === undefined ? record : { ...record, bytes: manifestOfKept(key.owner, says, kept) };
}

/** A manifest that matches the records that are left of its owner. */
function manifestOfKept(owner: string, says: Manifest, kept: readonly BusRecord[]): Uint8Array {
  const digests = createDigestSet();
  for (const { key, bytes } of kept) {
    const parsed = parseKey(key);
    if (parsed?.owner === owner && parsed.kind !== 'manifest') digests.set(key, bytes);
  }
  const manifest: Manifest = { ...says, count: digests.count, digest: digests.digest() };
  return new TextEncoder().encode(JSON.stringify(manifest));
}
