import type { Bus } from '#shared/bus/link/bus.ts';
import type { RulesSnapshot } from '#shared/bus/snapshot/rules-snapshot.ts';
import type { Clock } from '#shared/runtime/clock.ts';

/** How a gateway started: with which snapshot of the rules, and how long without the bus. */
interface ColdStart {
  /** Time since the start, ms. */
  uptimeMs(): number;
  /** For how long after the start there was no connection to the bus, ms. */
  withoutBusMs(): number;
  /** The snapshot's age by the wall clock, as the one who took it had another one. */
  snapshot(): { takenAt: string; ageMs: number } | undefined;
}

/** Begins to count; keeps of the snapshot only when it was taken. */
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
