import { setTimeout as sleep } from 'node:timers/promises';

/** Time as an argument, so that a test can own it. All durations are milliseconds. */
export interface Clock {
  /** Wall-clock time, ms since the Unix epoch. It may jump, so it is only for what outlives a process: certificates, snapshots. */
  now(): number;
  /** Time since an arbitrary moment, ms; never goes back. Every interval and every age is a difference of these. */
  monotonicMs(): number;
  /** Resolves after `ms`; at once, without throwing, when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `task` every `ms` until the returned function is called. Keeps no process alive. */
  every(ms: number, task: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  },
  every: (ms, task) => {
    const timer = setInterval(task, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};
