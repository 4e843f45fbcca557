/** A secret that exists: its name as the manager knows it, and what of it can be asked for, where it lists that. */
export interface ListedSecret {
  secret: string;
  keys: string[];
}

/** A secret manager outside the cluster, asked for names alone. */
export interface Provider {
  /**
   * Everything that exists, page by page. Ends normally only when the list is complete but for what is left out; throws
   * when any page cannot be had, or when the signal aborts.
   */
  listSecrets(signal: AbortSignal, leaveOut: LeaveOut): AsyncIterable<ListedSecret>;
}

/** Takes what cannot be listed for a reason of its own: no tenant's name shall end the list of all. */
export type LeaveOut = (what: string, why: string) => void;

/** Longest wait for one answer; how often and when to try again is decided by whoever lists, not by an SDK. */
export const requestTimeoutMs = 10_000;
