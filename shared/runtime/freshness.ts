import type { Heartbeat } from '#shared/contracts/heartbeat.ts';

/** Position of one owner's set: what was published, or what was swapped in. */
export interface Position {
  owner: string;
  epoch: number;
  seq: number;
}

const reaches = (applied: Position, published: Position): boolean =>
  applied.epoch > published.epoch || (applied.epoch === published.epoch && applied.seq >= published.seq);

/**
 * How old this process's knowledge of each owner is, by its own clock. A heartbeat of the owner's publisher proves
 * freshness only when this process has applied what the publisher says it has published: a publisher that is alive
 * while its records do not arrive proves nothing.
 */
export interface Freshness {
  /** Notes a publisher's heartbeat, received at `nowMs`. */
  heard(heartbeat: Heartbeat, applied: readonly Position[], nowMs: number): void;
  /** Age of the knowledge of an owner, ms; Infinity when its publisher was never heard. */
  ageMs(owner: string, nowMs: number): number;
}

export function createFreshness(): Freshness {
  const freshAtMs = new Map<string, number>();
  return {
    heard: (heartbeat, applied, nowMs) => {
      for (const published of heartbeat.applied) {
        const own = applied.find(({ owner }) => owner === published.owner);
        if (own === undefined || !reaches(own, published)) continue;
        const candidateMs = nowMs - heartbeat.sourceAgeMs;
        freshAtMs.set(published.owner, Math.max(candidateMs, freshAtMs.get(published.owner) ?? -Infinity));
      }
    },
    ageMs: (owner, nowMs) => nowMs - (freshAtMs.get(owner) ?? -Infinity),
  };
}
