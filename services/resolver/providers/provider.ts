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
  listSecrets(listing: Listing): AsyncIterable<ListedSecret>;
}

/** What a provider gets for one list, and tells while it makes it. */
export interface Listing {
  signal: AbortSignal;
  /** Says which of the places that the operator has named is listed from now on: how the names in it begin. */
  enter(place: string): void;
  /** Charges a folder that was found and is to be listed. */
  charge(folder: string): void;
  /** Whether what lies below a folder is wanted. No: there is too much of it. */
  wants(folder: string): boolean;
  /** Leaves what lies below a folder as it was in the list before. @throws SET_TOO_LARGE when there is none before */
  keepFormer(folder: string, why: string): void;
  leaveOut: LeaveOut;
}

/** Takes what cannot be listed for a reason of its own: no tenant's name shall end the list of all. */
export type LeaveOut = (what: string, why: string) => void;

/** Longest wait for one answer; how often and when to try again is decided by whoever lists, not by an SDK. */
export const requestTimeoutMs = 10_000;
