import { compareVersions, type Version } from '#shared/bus/records/version.ts';

/** A set that stays wrong this long although reading works is read again from the start, ms. */
const doubtAfterMs = 6_000;

/** What is known after a read. */
interface ReadSet {
  /** Tells whether everything was read again. */
  reset: boolean;
  /** Tells whether the staged records do not match their manifest. */
  isInconsistent: boolean;
  /** The version in force. */
  applied: Version | undefined;
}

/**
 * Decides when what was read is to be doubted. A server may answer reads from a replica that has stopped following: the
 * set it gives is whole but old, and only the publisher's heartbeat tells. Times are those of a monotonic clock, ms.
 */
export class SetDoubt {
  #consistentAtMs: number;
  /** The oldest version that was published and has not come into force. */
  #awaited: { version: Version; sinceMs: number } | undefined;

  constructor(nowMs: number) {
    this.#consistentAtMs = nowMs;
  }

  /** Takes the version that the live publisher says it has published. */
  notePublished(published: Version, applied: Version | undefined, nowMs: number): void {
    const waiting = this.#awaited ?? { version: published, sinceMs: nowMs };
    // A bucket created anew begins with lower versions: those promised before never come.
    if (compareVersions(published, waiting.version) < 0) waiting.version = published;
    this.#awaited = isReached(published, applied) ? undefined : waiting;
  }

  /** Takes what a read gave; returns why everything has to be read again, or undefined. */
  noteRead({ reset, isInconsistent, applied }: ReadSet, nowMs: number): string | undefined {
    if (!isInconsistent || reset) this.#consistentAtMs = nowMs;
    if (this.#awaited !== undefined && isReached(this.#awaited.version, applied)) this.#awaited = undefined;
    if (nowMs - this.#consistentAtMs > doubtAfterMs) return 'the staged set stays inconsistent';
    if (this.#awaited === undefined || nowMs - this.#awaited.sinceMs <= doubtAfterMs) return undefined;
    this.#awaited.sinceMs = nowMs;
    return 'what the publisher says it has published does not arrive';
  }
}

const isReached = (awaited: Version, applied: Version | undefined): boolean =>
  applied !== undefined && compareVersions(applied, awaited) >= 0;
