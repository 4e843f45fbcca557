/** Orders the records and sets of one owner: publishers come one after another, and each counts its writes. */
export interface Version {
  epoch: number;
  seq: number;
}

/** Compares two versions: negative when `left` is the earlier one, 0 when they are the same. */
export const compareVersions = (left: Version, right: Version): number =>
  left.epoch - right.epoch || left.seq - right.seq;
