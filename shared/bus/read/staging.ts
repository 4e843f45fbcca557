import { sameSummary } from '#shared/bus/records/claim.ts';
import { createDigestSet, recipeDigest } from '#shared/bus/records/digest.ts';
import { type BusRecord, parseRecordBytes } from '#shared/bus/records/record.ts';
import { compareVersions, type Version } from '#shared/bus/records/version.ts';
import { formatKey, parseKey } from '#shared/contracts/bus/bucket.ts';
import { type Manifest, manifestSchema } from '#shared/contracts/bus/manifest.ts';
import { checkShape } from '#shared/contracts/shapes/check-shape.ts';
import { type ChangedRecord, createSetChanges, parseBody, type SetChanges } from './set-changes.ts';

export type { RecordChange } from './set-changes.ts';

/** One owner's set that has replaced an older one. */
export interface AppliedSet {
  owner: string;
  epoch: number;
  seq: number;
  changes: SetChanges;
}

/** Why a record is not staged: a newer one is known, or it cannot be read. */
export type Rejection = 'outdated' | 'malformed';

/**
 * Stages one owner's records as they arrive, beside the last set that was complete. Arrivals change nothing until a
 * complete manifest matches all of them by count and digests; then `apply` hands out the difference.
 */
export interface Staging {
  /** Takes one record or manifest in. */
  stage(record: BusRecord): 'staged' | Rejection;
  /** Forgets what is staged (everything will arrive again), never the set in force. */
  reset(): void;
  /** Takes the version that the owner's live publisher says it has published. */
  confirm(published: Version): void;
  /** Puts the staged set in force, if it is complete and new. `malformed` counts records that stay as they were. */
  apply(): { set: AppliedSet; malformed: number } | undefined;
  /** Tells whether there is a complete manifest that the staged records do not match. */
  isInconsistent(): boolean;
  /** Returns the version of the set in force. */
  applied(): Version | undefined;
  /** Returns the stored records of the set in force and its manifest: staged again they give the same set. */
  records(): BusRecord[];
}

interface StoredManifest {
  record: BusRecord;
  body: Manifest;
}

export const createStaging = (owner: string): Staging => new StagedSet(owner);

class StagedSet implements Staging {
  readonly #owner: string;
  readonly #recipeKey: string;
  /** Highest epoch seen in the order of revisions: a record below it was written by a publisher that had lost. */
  #fence = 0;
  /** By key; tombstones too, until they are applied, of what the consumer has. */
  #staged = new Map<string, BusRecord>();
  #digests = createDigestSet();
  #manifest: StoredManifest | undefined;
  /** Keys that may differ between what is staged and what is in force. */
  readonly #dirty = new Set<string>();
  readonly #inForce = new Map<string, BusRecord>();
  /** The record whose value the consumer has: that in force or, where that is malformed, one before it. */
  readonly #delivered = new Map<string, BusRecord>();
  #applied: StoredManifest | undefined;
  #confirmed: Version | undefined;

  constructor(owner: string) {
    this.#owner = owner;
    this.#recipeKey = formatKey({ owner, kind: 'recipe' });
  }

  stage(record: BusRecord): 'staged' | Rejection {
    const key = parseKey(record.key);
    // Whoever reads asks the server for this owner's alone.
    if (key?.owner !== this.#owner) return 'malformed';
    return key.kind === 'manifest' ? this.#stageManifest(record) : this.#stageBody(record);
  }

  reset(): void {
    this.#fence = 0;
    this.#staged = new Map();
    this.#digests = createDigestSet();
    this.#manifest = undefined;
    for (const key of this.#inForce.keys()) this.#dirty.add(key);
  }

  confirm(published: Version): void {
    this.#confirmed = published;
  }

  apply(): { set: AppliedSet; malformed: number } | undefined {
    const next = this.#manifest;
    if (next === undefined || !next.body.complete || !this.#matches(next.body)) return undefined;
    const current = this.#applied?.body;
    if (!mayFollow(current, next.body, this.#confirmed)) return undefined;
    const { epoch, seq } = next.body;
    if (this.#dirty.size === 0 && current?.epoch === epoch && current.seq === seq) return undefined;
    const outcomes = [...this.#dirty].map((key) => this.#applyKey(key));
    this.#dirty.clear();
    this.#applied = next;
    const changed = outcomes.filter((outcome) => outcome !== undefined && outcome !== 'malformed');
    return {
      set: { owner: this.#owner, epoch, seq, changes: createSetChanges(changed) },
      malformed: outcomes.filter((outcome) => outcome === 'malformed').length,
    };
  }

  isInconsistent(): boolean {
    return this.#manifest?.body.complete === true && !this.#matches(this.#manifest.body);
  }

  applied(): Version | undefined {
    return this.#applied && { epoch: this.#applied.body.epoch, seq: this.#applied.body.seq };
  }

  records(): BusRecord[] {
    return this.#applied === undefined ? [] : [...this.#inForce.values(), this.#applied.record];
  }

  #stageManifest(record: BusRecord): 'staged' | Rejection {
    if (record.deleted) return 'outdated';
    const parsed = checkShape(manifestSchema, parseRecordBytes(record.bytes));
    if (!parsed.success) return 'malformed';
    const body = parsed.data;
    const isOlder = this.#manifest !== undefined && isLower(body, this.#manifest.body);
    if (body.epoch < this.#fence || isOlder) return 'outdated';
    this.#fence = body.epoch;
    this.#manifest = { record, body };
    return 'staged';
  }

  #stageBody(record: BusRecord): 'staged' | 'outdated' {
    const before = this.#staged.get(record.key);
    const isOlder = before !== undefined && isLower(record, before);
    if (record.epoch < this.#fence || isOlder) return 'outdated';
    this.#fence = record.epoch;
    if (record.deleted) this.#stageTombstone(record);
    else {
      this.#staged.set(record.key, record);
      this.#digests.set(record.key, record.bytes);
      this.#dirty.add(record.key);
    }
    return 'staged';
  }

  /** Takes a record out; of one that never came into force nothing is left, or names that come and go fill the memory. */
  #stageTombstone(record: BusRecord): void {
    const { key } = record;
    this.#digests.delete(key);
    if (this.#inForce.has(key) || this.#delivered.has(key)) {
      this.#staged.set(key, record);
      this.#dirty.add(key);
    } else {
      this.#staged.delete(key);
      this.#dirty.delete(key);
    }
  }

  #matches(manifest: Manifest): boolean {
    const recipe = this.#staged.get(this.#recipeKey);
    return (
      manifest.count === this.#digests.count &&
      manifest.digest === this.#digests.digest() &&
      manifest.recipeDigest === recipeDigest(recipe?.deleted ? undefined : recipe?.bytes)
    );
  }

  /** Puts the staged record of a key in force; returns what that means for the consumer, undefined for nothing. */
  #applyKey(text: string): ChangedRecord | 'malformed' | undefined {
    const next = this.#staged.get(text);
    const before = this.#delivered.get(text);
    if (parseKey(text) === undefined) return 'malformed';
    if (next === undefined || next.deleted) {
      this.#staged.delete(text);
      this.#inForce.delete(text);
      if (!this.#delivered.delete(text)) return undefined;
      return [text, next];
    }
    this.#inForce.set(text, next);
    if (before !== undefined && Buffer.compare(before.bytes, next.bytes) === 0) {
      this.#delivered.set(text, next);
      return undefined;
    }
    if (parseBody(next.bytes) === undefined) return 'malformed';
    this.#delivered.set(text, next);
    return [text, next];
  }
}

const isLower = (left: Version, right: Version): boolean => compareVersions(left, right) < 0;

/**
 * Decides whether a set may replace the one in force. A bucket restored from a backup has an old set, whole, and a new
 * publisher on an emptied one begins again at 1: a lower version needs the word of its live publisher. A claim (seq 0)
 * repeats the summary that it found, which may be that of a backup: it brings no other content, only what its publisher
 * has listed since does.
 */
function mayFollow(current: Manifest | undefined, next: Manifest, confirmed: Version | undefined): boolean {
  if (current === undefined) return true;
  const isConfirmed = confirmed?.epoch === next.epoch && confirmed.seq <= next.seq;
  if (isLower(next, current) && !isConfirmed) return false;
  const isNewClaim = next.seq === 0 && next.epoch > current.epoch;
  return !isNewClaim || sameSummary(next, current);
}
