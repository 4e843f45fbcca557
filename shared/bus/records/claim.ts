import { maxVersionNumber, parseKey } from '#shared/contracts/bus/bucket.ts';
import { type Manifest, manifestSchema } from '#shared/contracts/bus/manifest.ts';
import { checkShape } from '#shared/contracts/shapes/check-shape.ts';
import { createSliceMeter, type SlicedWork } from '#shared/runtime/turn-queue.ts';
import { createDigestSet } from './digest.ts';
import { inRevisionOrder } from './in-revision-order.ts';
import { type BusRecord, bodyOf, type DesiredRecord } from './record.ts';

/** What a manifest says of a set, without the publisher's version. */
export type SetSummary = Pick<Manifest, 'count' | 'digest' | 'recipeDigest' | 'complete'>;

export const emptySummary: SetSummary = {
  count: 0,
  digest: createDigestSet().digest(),
  recipeDigest: '',
  complete: false,
};

/** A publisher's claim of its prefix. */
export interface Claim {
  epoch: number;
  /** Identity of the process; tells two publishers of one epoch apart. */
  publisher: string;
  /** Revision of the manifest that claimed the epoch: later records of a lower epoch are a loser's. 0 = not known. */
  revision: number;
  /** The set of the publisher before: it stays in force until this one has listed everything. */
  inherited: SetSummary;
  /** Whether no higher epoch was left: what was stored before the claim with one is a relic, to be written again. */
  startsOver: boolean;
  /** Keys whose stored record readers refuse, since one before it has a higher epoch. */
  outranked: Set<string>;
}

/** Reads the manifest in a stored record; undefined when there is none or it cannot be read. */
export function manifestOf(record: BusRecord | undefined): Manifest | undefined {
  return checkShape(manifestSchema, bodyOf(record)).data;
}

const summaryOf = ({ count, digest, recipeDigest, complete }: SetSummary): SetSummary => ({
  count,
  digest,
  recipeDigest,
  complete,
});

export const sameSummary = (left: SetSummary, right: SetSummary): boolean =>
  left.count === right.count &&
  left.digest === right.digest &&
  left.recipeDigest === right.recipeDigest &&
  left.complete === right.complete;

/**
 * Makes the next claim: an epoch above everything stored under the prefix, with the content of the manifest before.
 * Readers, also those that start this moment, keep or take the old set until the new publisher has listed everything.
 * Where somebody has used the last epoch up, counting goes on from the manifest's, or from 1: readers take that at its
 * publisher's word (`Reader.confirm`), once they have read everything again.
 */
export function nextClaim(
  records: Iterable<BusRecord>,
  manifest: Manifest | undefined,
): Pick<Claim, 'epoch' | 'inherited' | 'startsOver'> {
  const stated = manifest?.epoch ?? 0;
  let highest = stated;
  for (const { epoch } of records) highest = Math.max(highest, epoch);
  const startsOver = highest >= maxVersionNumber;
  return {
    epoch: (startsOver ? stated % maxVersionNumber : highest) + 1,
    inherited: manifest === undefined ? emptySummary : summaryOf(manifest),
    startsOver,
  };
}

/** Finds the keys whose record a reader refuses that begins now: one before it, that may stay, has a higher epoch. */
export function* findOutranked(records: readonly BusRecord[], claimEpoch: number): SlicedWork<Set<string>> {
  const isFull = createSliceMeter();
  const outranked = new Set<string>();
  let fence = 0;
  for (const { key, epoch } of yield* inRevisionOrder(records)) {
    if (isFull(0)) yield;
    // The claim replaces the manifest, and the publisher whatever is above its epoch.
    if (epoch > claimEpoch || parseKey(key)?.kind === 'manifest') continue;
    if (epoch < fence) outranked.add(key);
    fence = Math.max(fence, epoch);
  }
  return outranked;
}

/** Tells whether a stored record proves that another publisher has taken the prefix over. */
export const supersedes = (
  record: Pick<BusRecord, 'epoch' | 'publisher' | 'revision'>,
  claim: Claim,
): boolean =>
  !(claim.startsOver && record.revision <= claim.revision) &&
  (record.epoch > claim.epoch || (record.epoch === claim.epoch && record.publisher !== claim.publisher));

/** Finds a stored record that {@link supersedes} the claim, if there is one. */
export function findRival(records: Iterable<BusRecord>, claim: Claim): BusRecord | undefined {
  for (const record of records) if (supersedes(record, claim)) return record;
  return undefined;
}

/** Tells whether a key must be written for the prefix to hold what is desired, in a way that every reader accepts. */
export function needsWrite(
  desired: DesiredRecord | undefined,
  stored: BusRecord | undefined,
  claim: Claim,
): boolean {
  // A tombstone, too, would have readers refuse all that comes after it.
  if (claim.startsOver && stored !== undefined && stored.epoch > claim.epoch) return true;
  if (desired?.bytes === undefined) return stored !== undefined && !stored.deleted;
  if (stored === undefined || stored.deleted) return true;
  // Readers drop a loser's record even where its bytes are right.
  if (stored.epoch < claim.epoch && stored.revision > claim.revision) return true;
  if (stored.epoch !== claim.epoch && claim.outranked.has(stored.key)) return true;
  return Buffer.compare(stored.bytes, desired.bytes) !== 0;
}
