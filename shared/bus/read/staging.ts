import { sameSummary } from '#shared/bus/records/claim.ts';
import { createDigestSet, recipeDigest } from '#shared/bus/records/digest.ts';
import type { BusRecord } from '#shared/bus/records/record.ts';
import { compareVersions, type Version } from '#shared/bus/records/version.ts';
import { formatKey, parseKey, type RecordKey } from '#shared/contracts/bucket.ts';
import { checkShape } from '#shared/contracts/check-shape.ts';
import { type Manifest, manifestSchema } from '#shared/contracts/manifest.ts';
import type { TraceCarrier } from '#shared/runtime/trace-carrier.ts';

/** One record that differs from the set before; `value` is the parsed JSON, undefined when the record is gone. */
export interface RecordChange extends TraceCarrier {
  key: RecordKey;
  value: unknown;
}

/** One owner's set was replaced by a newer complete one. */
export interface Swap {
  owner: string;
  epoch: number;
  seq: number;
  changes: RecordChange[];
}

/**
 * One owner's records as they arrive, and the last set that was complete. Arrivals change nothing until a complete
 * manifest matches all of them by count and digests; then `swap` hands out the difference.
 */
export interface Staging {
  /** Takes one record or manifest in. `dropped` = outranked by what is held; `poison` = unreadable, left aside. */
  stage(record: BusRecord): 'staged' | 'dropped' | 'poison';
  /** Forgets what is staged (everything will arrive again), never the set in force. */
  reset(): void;
  /** Notes what the owner's publisher, alive, says that it has published. */
  vouch(published: Version): void;
  /** The step to the staged set, if it is complete and new. `poison` counts unreadable records, kept as they were. */
  swap(): { swap: Swap; poison: number } | undefined;
  /** True when there is a complete manifest that the staged records do not match. */
  torn(): boolean;
  /** Position of the set in force. */
  applied(): Version | undefined;
  /** The stored records of the set in force, its manifest among them: staged anew they give the same set. */
  records(): BusRecord[];
}

const lower = (left: Version, right: Version): boolean => compareVersions(left, right) < 0;

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** A record body of a schema version that this build reads; undefined otherwise. */
function parseBody(bytes: Uint8Array): unknown {
  const body = parseJson(bytes);
  return typeof body === 'object' && body !== null && 'schema' in body && body.schema === 1
    ? body
    : undefined;
}

export function createStaging(owner: string): Staging {
  const recipeKey = formatKey({ owner, kind: 'recipe' });
  /** Highest epoch seen in the order of revisions: a record below it was written by a publisher that had lost. */
  let fence = 0;
  /** By key, tombstones included. */
  let held = new Map<string, BusRecord>();
  let digests = createDigestSet();
  let manifest: { record: BusRecord; says: Manifest } | undefined;
  const dirty = new Set<string>();
  /** The set in force. */
  const inForce = new Map<string, BusRecord>();
  /** The record whose value the consumer holds: that in force, or, where that is unreadable, one before it. */
  const taken = new Map<string, BusRecord>();
  let applied: { record: BusRecord; says: Manifest } | undefined;
  let vouched: Version | undefined;

  /** A bucket restored from a backup holds an old set, whole; a new publisher on an emptied one begins again at 1. */
  const stepsBack = (candidate: Version): boolean =>
    applied !== undefined &&
    lower(candidate, applied.says) &&
    !(vouched?.epoch === candidate.epoch && vouched.seq <= candidate.seq);

  /**
   * A claim (seq 0) repeats the summary that it found, which may be that of a backup: it brings no other content, only
   * what its publisher has listed since does.
   */
  const claimsOtherContent = (candidate: Manifest): boolean =>
    applied !== undefined &&
    candidate.seq === 0 &&
    candidate.epoch > applied.says.epoch &&
    !sameSummary(candidate, applied.says);

  function stageManifest(record: BusRecord): 'staged' | 'dropped' | 'poison' {
    if (record.deleted) return 'dropped';
    const parsed = checkShape(manifestSchema, parseJson(record.bytes));
    if (!parsed.success) return 'poison';
    if (parsed.data.epoch < fence || (manifest !== undefined && lower(parsed.data, manifest.says)))
      return 'dropped';
    fence = parsed.data.epoch;
    manifest = { record, says: parsed.data };
    return 'staged';
  }

  function stageBody(record: BusRecord): 'staged' | 'dropped' {
    const before = held.get(record.key);
    if (record.epoch < fence || (before !== undefined && lower(record, before))) return 'dropped';
    fence = record.epoch;
    held.set(record.key, record);
    if (record.deleted) digests.delete(record.key);
    else digests.set(record.key, record.bytes);
    dirty.add(record.key);
    return 'staged';
  }

  function matches(candidate: Manifest): boolean {
    const recipe = held.get(recipeKey);
    return (
      candidate.count === digests.count &&
      candidate.digest === digests.digest() &&
      candidate.recipeDigest === recipeDigest(recipe?.deleted ? undefined : recipe?.bytes)
    );
  }

  /** The change that a key means for the consumer; undefined for none, `poison` for one that cannot be read. */
  function changeOf(text: string): RecordChange | 'poison' | undefined {
    const key = parseKey(text);
    const next = held.get(text);
    const before = taken.get(text);
    if (key === undefined) return 'poison';
    if (next === undefined || next.deleted) {
      inForce.delete(text);
      if (!taken.delete(text)) return undefined;
      return { key, value: undefined, ...next?.trace };
    }
    inForce.set(text, next);
    if (before !== undefined && Buffer.compare(before.bytes, next.bytes) === 0) {
      taken.set(text, next);
      return undefined;
    }
    const value = parseBody(next.bytes);
    if (value === undefined) return 'poison';
    taken.set(text, next);
    return { key, value, ...next.trace };
  }

  return {
    stage: (record) => {
      const key = parseKey(record.key);
      // Whoever reads asks the server for this owner's alone.
      if (key?.owner !== owner) return 'poison';
      return key.kind === 'manifest' ? stageManifest(record) : stageBody(record);
    },
    reset() {
      fence = 0;
      held = new Map();
      digests = createDigestSet();
      manifest = undefined;
      for (const key of inForce.keys()) dirty.add(key);
    },
    vouch: (published) => {
      vouched = published;
    },
    swap() {
      if (manifest === undefined || !manifest.says.complete || !matches(manifest.says)) return undefined;
      if (stepsBack(manifest.says) || claimsOtherContent(manifest.says)) return undefined;
      const { epoch, seq } = manifest.says;
      if (dirty.size === 0 && applied?.says.epoch === epoch && applied.says.seq === seq) return undefined;
      const outcomes = [...dirty].map(changeOf);
      dirty.clear();
      applied = manifest;
      const changes = outcomes.filter((outcome) => outcome !== undefined && outcome !== 'poison');
      return {
        swap: { owner, epoch, seq, changes },
        poison: outcomes.filter((outcome) => outcome === 'poison').length,
      };
    },
    torn: () => manifest?.says.complete === true && !matches(manifest.says),
    applied: () => applied && { epoch: applied.says.epoch, seq: applied.says.seq },
    records: () => (applied === undefined ? [] : [...inForce.values(), applied.record]),
  };
}
