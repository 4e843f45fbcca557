/** So long a sender stays known, ticks: half a minute, in which a process sends many heartbeats. */
const knownTicks = 300;
/** Processes of one service or manager that are known. */
const mostKnown = 512;
/** Services and managers of which some are known. */
const mostGroups = 64;

/**
 * Knows who was heard lately, by service or manager. Whoever has a login can name processes without end: names that are
 * new take no place of one that was heard before.
 */
export class KnownSenders {
  /** By service or manager, the tick in which each subject was heard last, the one heard longest ago first. */
  readonly #groups = new Map<string, Map<string, number>>();
  #tick = 0;

  nextTick(): void {
    this.#tick += 1;
  }

  has(group: string, subject: string): boolean {
    const heard = this.#groups.get(group)?.get(subject);
    return heard !== undefined && !this.#isOver(heard);
  }

  noteHeard(group: string, subject: string): void {
    const known = this.#groups.get(group) ?? new Map<string, number>();
    if (known.size === 0 && this.#groups.size >= mostGroups) return;
    known.delete(subject);
    const [oldest] = known;
    if (oldest !== undefined && this.#isOver(oldest[1])) known.delete(oldest[0]);
    if (known.size >= mostKnown) return;
    known.set(subject, this.#tick);
    this.#groups.set(group, known);
  }

  #isOver(heard: number): boolean {
    return this.#tick - heard > knownTicks;
  }
}
