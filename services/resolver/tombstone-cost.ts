import { keyTokenLength } from '#shared/contracts/bus/key-token.ts';

/** What a tombstone takes beside the name in its key, bytes. */
const tombstoneBytes = 300;

/** Computes what the tombstone of a name takes of the rules bucket, bytes. */
export const tombstoneCost = (secret: string): number => tombstoneBytes + keyTokenLength(secret);
