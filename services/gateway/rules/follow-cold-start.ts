import type { Bus } from '#shared/bus/link/bus.ts';
import type { RulesSnapshot } from '#shared/bus/snapshot/snapshot-format.ts';
import type { Clock } from '#shared/runtime/clock.ts';

/** Tells how a gateway started: with which snapshot of the rules, and how long without the bus. */
export interface ColdStart {
  /** Gives the time since the start, ms. */
  uptimeMs(): number;
  /** Tells for how long after the start there was no connection to the bus, ms. */
  withoutBusMs(): number;
  /** Gives the snapshot's age by the wall clock, as another process took it. */
  snapshot(): { takenAt: string; ageMs: number } | undefined;
}

/** Starts to measure; keeps only the time of the snapshot. */
export function followColdStart(bus: Bus, snapshot: RulesSnapshot | undefined, clock: Clock): ColdStart {
  const startedAtMs = clock.monotonicMs();
  const takenAt = snapshot?.takenAt;
  const uptimeMs = (): number => clock.monotonicMs() - startedAtMs;
  let connectedAfterMs: number | undefined;
  bus.linked().then(
    () => {
      connectedAfterMs = uptimeMs();
    },
    () => undefined,
  );
  return {
    uptimeMs,
    withoutBusMs: () => connectedAfterMs ?? uptimeMs(),
    snapshot: () =>
      takenAt === undefined ? undefined : { takenAt, ageMs: Math.max(0, clock.now() - Date.parse(takenAt)) },
  };
}
