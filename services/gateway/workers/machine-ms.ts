import { hrtime } from 'node:process';

/** Gives the time of the machine's monotonic clock, which all of its processes share, ms. */
export const machineMs = (): number => Number(hrtime.bigint() / 1_000n) / 1_000;
