/** A secret that exists: its name as the manager knows it, and what of it can be asked for, where it lists that. */
export interface ListedSecret {
  secret: string;
  keys: string[];
}

/** A secret manager outside the cluster, asked for names alone. */
export interface Provider {
  /**
   * Everything that exists, page by page. Ends normally only when the list is complete; throws when any page cannot be
   * had, or when the signal aborts.
   */
  listSecrets(signal: AbortSignal): AsyncIterable<ListedSecret>;
}

/** Longest wait for one answer; how often and when to try again is decided by whoever lists, not by an SDK. */
export const requestTimeoutMs = 10_000;
