/** Describes something that discovery reads. */
export interface Source {
  /** Returns for how long it has been cut off from what it reads, ms; 0 while it is current. */
  interruptedMs(): number;
  stop(): Promise<void>;
}

/**
 * Tells of the selected namespaces.
 * @param selected all of them; the same set each time, as it is now
 * @param changed those that came or went since the last time, or more; left out: any
 */
export type OnSelect = (selected: ReadonlySet<string>, changed?: Iterable<string>) => void;
