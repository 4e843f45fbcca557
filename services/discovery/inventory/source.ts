/** Something discovery reads. */
export interface Source {
  /** Time since it is known to be cut off from what it reads, ms; 0 while it is current. */
  interruptedMs(): number;
  stop(): Promise<void>;
}
