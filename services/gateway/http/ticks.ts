import type { Clock } from '#shared/runtime/clock.ts';

/** Ticks while there is something to watch: an idle gateway is not woken. */
export interface Ticks {
  /** Begins, unless it ticks already. Call it whenever there is something to watch. */
  start(): void;
  stop(): void;
}

/** @param tick looks once; returns whether there is something left to watch */
export function createTicks(clock: Pick<Clock, 'every'>, everyMs: number, tick: () => boolean): Ticks {
  let cancel: (() => void) | undefined;
  const stop = (): void => {
    cancel?.();
    cancel = undefined;
  };
  return {
    start: () => {
      cancel ??= clock.every(everyMs, () => {
        if (!tick()) stop();
      });
    },
    stop,
  };
}
