/**
 * Interval at which the mirror asks the server whether it is still the same stream and nothing was missed: an announcement may be
 * lost while a leader changes, and a change is to reach every gateway within 2 s all the same.
 */
export const checkIntervalMs = 1_000;
/** A stream that has looked the same for so long, ms, is settled: its replicas should have what its leader has. */
const settledMs = 5_000;
/** Interval at which the records of a settled stream are counted and asked for all the same, ms: a replica may lag. */
const settledReadMs = 10_000;
/** Everything is read again this often, against whatever no check can see: a tombstone that expired unread is one. */
export const auditIntervalMs = 300_000;
/** So long a set that is too large is left alone, ms: reading it costs as much as it may hold. */
const tooLargeRestMs = 30_000;
/** Doubts that follow each other sooner than this, ms, are about the server's copy: reading it again did not help. */
const repeatedDoubtMs = 20_000;

/** Says what a mirror has to do when. Times are those of a monotonic clock, ms. */
export class MirrorSchedule {
  #checkedAtMs = -Infinity;
  #lookedOtherAtMs = -Infinity;
  #readAtMs = -Infinity;
  #readAllAtMs = -Infinity;
  #tooLargeUntilMs = -Infinity;
  #doubtedAtMs = -Infinity;

  checkIsDue(nowMs: number): boolean {
    return nowMs - this.#checkedAtMs >= checkIntervalMs;
  }

  noteCheck(nowMs: number): void {
    this.#checkedAtMs = nowMs;
  }

  /**
   * Notes whether the stream looks as it did at the last check; returns whether its records must be counted and asked
   * for, which costs more than a look.
   */
  noteLook(isSame: boolean, nowMs: number): boolean {
    if (!isSame) this.#lookedOtherAtMs = nowMs;
    const isSettled = nowMs - this.#lookedOtherAtMs >= settledMs;
    return !isSettled || nowMs - this.#readAtMs >= settledReadMs;
  }

  noteRead(nowMs: number): void {
    this.#readAtMs = nowMs;
  }

  auditIsDue(nowMs: number): boolean {
    return nowMs - this.#readAllAtMs > auditIntervalMs;
  }

  noteReadAll(nowMs: number): void {
    this.#readAllAtMs = nowMs;
  }

  mayRead(nowMs: number): boolean {
    return nowMs >= this.#tooLargeUntilMs;
  }

  noteTooLarge(nowMs: number): void {
    this.#tooLargeUntilMs = nowMs + tooLargeRestMs;
  }

  /** Notes a doubt about what was read; returns whether there was one just before. */
  noteDoubt(nowMs: number): boolean {
    const isRepeated = nowMs - this.#doubtedAtMs < repeatedDoubtMs;
    this.#doubtedAtMs = nowMs;
    return isRepeated;
  }

  /** Returns how long it is until the next check, at least 1 ms. */
  restMs(nowMs: number): number {
    return Math.max(1, this.#checkedAtMs + checkIntervalMs - nowMs);
  }
}
