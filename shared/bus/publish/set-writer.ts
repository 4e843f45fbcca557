import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BusLink } from '#shared/bus/link/bus.ts';
import {
  type Claim,
  manifestOf,
  needsWrite,
  type SetSummary,
  sameSummary,
} from '#shared/bus/records/claim.ts';
import type { DesiredRecord } from '#shared/bus/records/record.ts';
import { maxVersionNumber } from '#shared/contracts/bus/bucket.ts';
import type { DesiredSet } from './desired-set.ts';
import type { PrefixStore } from './prefix-store.ts';

/** Records on their way to the server at once. */
const publishWindow = 128;

/** A seq from which on a manifest that this process did not write is not counted on from: the numbers could run out. */
const foreignSeqLimit = maxVersionNumber / 2;

/** Writes what differs between a desired set and the stored one, then the manifest that describes it. */
export class SetWriter {
  readonly #store: PrefixStore;
  readonly #desired: DesiredSet;
  readonly #recipeKey: string;
  /** Keys whose stored record may differ from the desired one. */
  readonly #dirty = new Set<string>();
  #seq = 0;

  constructor(store: PrefixStore, desired: DesiredSet, recipeKey: string) {
    this.#store = store;
    this.#desired = desired;
    this.#recipeKey = recipeKey;
  }

  /** Has these keys compared by the next write. */
  mark(keys: Iterable<string>): void {
    for (const key of keys) if (key !== this.#store.manifestKey) this.#dirty.add(key);
  }

  isDirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** Whether so many are compared that others should have a turn before. */
  isLarge(): boolean {
    return this.#dirty.size > publishWindow;
  }

  /** Brings the stored set up to date under a claim: the set desired, or before it is known the one inherited. */
  async write(link: BusLink, claim: Claim): Promise<{ seq: number }> {
    const summary = this.#desired.known() ? await this.#storeDirty(link, claim) : claim.inherited;
    await this.#storeSummary(link, claim, summary);
    return { seq: this.#seq };
  }

  /**
   * Stores what differs: entries in parallel, then the recipe. Returns the summary of exactly the set that is stored
   * then; what is changed meanwhile waits for the next round, or no manifest would ever match under constant change.
   */
  async #storeDirty(link: BusLink, claim: Claim): Promise<SetSummary> {
    const summary = this.#desired.summary();
    const hasRecipe = this.#dirty.delete(this.#recipeKey);
    const recipe = this.#desired.get(this.#recipeKey);
    const keys = [...this.#dirty];
    const wanted = keys.map((key) => this.#desired.get(key));
    this.#dirty.clear();
    try {
      for (let start = 0; start < keys.length; start += publishWindow) {
        // Where nothing has to be written, nothing else would let the event loop go on.
        if (start > 0) await nextTurn();
        const window = keys.slice(start, start + publishWindow);
        await Promise.all(
          window.map((key, index) => this.#storeKey(link, claim, key, wanted[start + index])),
        );
      }
      if (hasRecipe) await this.#storeKey(link, claim, this.#recipeKey, recipe);
    } catch (err) {
      this.mark(hasRecipe ? [...keys, this.#recipeKey] : keys);
      throw err;
    }
    return summary;
  }

  async #storeKey(link: BusLink, claim: Claim, key: string, wanted?: DesiredRecord): Promise<void> {
    if (needsWrite(wanted, this.#store.records.get(key), claim)) {
      await this.#store.storeRecord(link, { key, epoch: claim.epoch, seq: this.#seq + 1, wanted });
    }
    if (this.#desired.get(key) === wanted) this.#desired.forgetRemoved(key);
  }

  async #storeSummary(link: BusLink, claim: Claim, summary: SetSummary): Promise<void> {
    const stored = manifestOf(this.#store.records.get(this.#store.manifestKey));
    const isCounted = stored !== undefined && (stored.seq <= this.#seq || stored.seq < foreignSeqLimit);
    const own = isCounted && stored.epoch === claim.epoch ? stored : undefined;
    this.#seq = Math.max(this.#seq, own?.seq ?? 0);
    if (own !== undefined && sameSummary(own, summary)) return;
    const manifest = { schema: 1, epoch: claim.epoch, seq: this.#seq + 1, ...summary } as const;
    await this.#store.storeManifest(link, manifest);
    this.#seq += 1;
  }
}
