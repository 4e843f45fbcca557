import { type Clock, systemClock } from '#shared/runtime/clock.ts';

/** A clock on which `factor` times as much time passes: intervals of seconds take a fraction of one in a test. */
export const acceleratedClock = (factor: number): Clock => ({
  now: systemClock.now,
  monotonicMs: () => systemClock.monotonicMs() * factor,
  sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
  every: (ms, task) => systemClock.every(ms / factor, task),
});
