import { sameSummary } from '#shared/bus/records/claim.ts';
import { DigestSum, recipeDigest } from '#shared/bus/records/digest.ts';
import { HeldRecord } from '#shared/bus/records/held-record.ts';
import { type BusRecord, parseRecordBytes } from '#shared/bus/records/record.ts';
import { compareVersions, type Version } from '#shared/bus/records/version.ts';
import { formatKey, parseKey } from '#shared/contracts/bus/bucket.ts';
import { type Manifest, manifestSchema } from '#shared/contracts/bus/manifest.ts';
import { checkShape } from '#shared/contracts/shapes/check-shape.ts';
import { finishWork, type SlicedWork } from '#shared/runtime/turn-queue.ts';
import { RecordsInForce } from './records-in-force.ts';
import { type ChangedRecord, createSetChanges, type SetChanges } from './set-changes.ts';
import { StagedRecords } from './staged-records.ts';

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

/** A set that may come into force. */
export interface PreparedSet {
  set: AppliedSet;
  /** Counts records that stay as they were. */
  malformed: number;
  /** Puts it in force, in one step. Nothing may have been staged since it was prepared. */
  commit(): void;
  /** Lets go of the bytes of what it brought, for whom only the changes count; afterwards they cannot be read. */
  shed(): SlicedWork;
}

/**
 * Stages one owner's records as they arrive, beside the last set that was complete. Arrivals change nothing until a
 * complete manifest matches all of them by count and digests; then `prepare` hands out the difference.
 */
export interface Staging {
  /** Takes one record or manifest in. */
  stage(record: BusRecord): 'staged' | Rejection;
  /** Forgets what is staged (everything will arrive again), never the set in force. */
  reset(): void;
  /** Takes the version that the owner's live publisher says it has published. */
  confirm(published: Version): void;
  /** Compares the staged set with that in force, if it is complete and new. What is in force stays until the commit. */
  prepare(): SlicedWork<PreparedSet | undefined>;
  /** Prepares and commits at once. */
  apply(): PreparedSet | undefined;
  /** Tells whether there is a complete manifest that the staged records do not match. */
  isInconsistent(): boolean;
  /** Returns the version of the set in force. */
  applied(): Version | undefined;
  /** Gives the records of the set in force as the consumer has them, one by one. */
  delivered(): Iterable<ChangedRecord>;
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
  #staged = new StagedRecords();
  #digests = new DigestSum();
  #manifest: StoredManifest | undefined;
  readonly #inForce = new RecordsInForce();
  #applied: StoredManifest | undefined;
  #confirmed: Version | undefined;
  #hashedRecipe: { recipe: HeldRecord; digest: string } | undefined;

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
    this.#staged = new StagedRecords();
    this.#digests = new DigestSum();
    this.#manifest = undefined;
  }

  confirm(published: Version): void {
    this.#confirmed = published;
  }

  apply(): PreparedSet | undefined {
    const prepared = finishWork(this.prepare());
    prepared?.commit();
    return prepared;
  }

  *prepare(): SlicedWork<PreparedSet | undefined> {
    const next = this.#manifest;
    if (next === undefined || !next.body.complete || !this.#matches(next.body)) return undefined;
    const current = this.#applied?.body;
    if (!mayFollow(current, next.body, this.#confirmed)) return undefined;
    const { epoch, seq } = next.body;
    const isSame = current?.epoch === epoch && current.seq === seq;
    const { arrived, isWhole } = this.#staged;
    if (isSame && !isWhole && arrived.size === 0) return undefined;
    const { changed, malformed, commit } = yield* this.#inForce.compare(this.#staged);
    return {
      set: { owner: this.#owner, epoch, seq, changes: createSetChanges(changed) },
      malformed,
      commit: () => {
        commit();
        this.#staged = new StagedRecords(this.#inForce.byKey);
        this.#applied = next;
      },
      shed: () => this.#inForce.shed(arrived.keys(), (key) => key !== this.#recipeKey),
    };
  }

  isInconsistent(): boolean {
    return this.#manifest?.body.complete === true && !this.#matches(this.#manifest.body);
  }

  applied(): Version | undefined {
    return this.#applied && { epoch: this.#applied.body.epoch, seq: this.#applied.body.seq };
  }

  delivered(): Iterable<ChangedRecord> {
    return this.#inForce.delivered();
  }

  records(): BusRecord[] {
    return this.#applied === undefined ? [] : [...this.#inForce.byKey.values(), this.#applied.record];
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
    if (before?.deleted === false) this.#digests.remove(before.hash);
    const held = HeldRecord.of(record);
    if (held.deleted) this.#stageTombstone(held);
    else {
      this.#staged.put(held);
      this.#digests.add(held.hash);
    }
    return 'staged';
  }

  /** Takes a record out; of one that never came into force nothing is left, or names that come and go fill the memory. */
  #stageTombstone(record: HeldRecord): void {
    if (this.#inForce.byKey.has(record.key)) this.#staged.put(record);
    else this.#staged.forget(record.key);
  }

  #matches(manifest: Manifest): boolean {
    const recipe = this.#staged.get(this.#recipeKey);
    return (
      manifest.count === this.#digests.count &&
      manifest.digest === this.#digests.digest() &&
      manifest.recipeDigest === this.#recipeDigestOf(recipe)
    );
  }

  /** Hashes a recipe once: it may have a megabyte, and each heartbeat asks. */
  #recipeDigestOf(recipe: HeldRecord | undefined): string {
    if (recipe === undefined || recipe.deleted) return recipeDigest(undefined);
    if (this.#hashedRecipe?.recipe !== recipe)
      this.#hashedRecipe = { recipe, digest: recipeDigest(recipe.bytes) };
    return this.#hashedRecipe.digest;
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
