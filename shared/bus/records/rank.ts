/** Where a record or a set stands in the history of its owner: publishers one after another, each counting its writes. */
export type Rank = { epoch: number; seq: number };

/** Negative when `left` is the earlier one, 0 when they are the same, positive when it is the later one. */
export const compareRank = (left: Rank, right: Rank): number =>
  left.epoch - right.epoch || left.seq - right.seq;
