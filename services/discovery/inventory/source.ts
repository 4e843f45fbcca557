/** Describes something that discovery reads. */
export interface Source {
  /** Returns for how long it has been cut off from what it reads, ms; 0 while it is current. */
  interruptedMs(): number;
  stop(): Promise<void>;
}
