import type { Heartbeat } from '#shared/contracts/bus/heartbeat.ts';
import { compareVersions, type Version } from './version.ts';

/** The version of one owner's set: that which was published, or that which was applied. */
export interface SetVersion extends Version {
  owner: string;
}

/** Tells whether the applied set has what this publisher, and no later one, says it has published. */
const reaches = (applied: Version, published: Version): boolean =>
  applied.epoch === published.epoch && applied.seq >= published.seq;

/**
 * Measures how old this process's knowledge of each owner is, by its own clock. A heartbeat of the owner's publisher proves
 * freshness only once this process has applied what the publisher says it has published: a publisher that is alive
 * while its records do not arrive proves nothing, and neither does one that another has taken over from: what it knows is
 * not what stands there. One that is ahead for the moment is kept until that is reached, for under steady change nearly
 * every heartbeat is.
 */
export interface Freshness {
  /** Takes a publisher's heartbeat, received at `nowMs` (`Clock.monotonicMs`). */
  heard(
    heartbeat: Pick<Heartbeat, 'applied' | 'sourceAgeMs'>,
    applied: readonly SetVersion[],
    nowMs: number,
  ): void;
  /** Returns the age of the knowledge of an owner, ms; Infinity when its publisher was never heard. */
  ageMs(owner: string, nowMs: number): number;
}

export function createFreshness(): Freshness {
  const freshAtMs = new Map<string, number>();
  /** By owner, the oldest heartbeat that says more than was applied at the time. */
  const ahead = new Map<string, { published: SetVersion; atMs: number }>();
  const prove = (owner: string, atMs: number): void => {
    freshAtMs.set(owner, Math.max(atMs, freshAtMs.get(owner) ?? -Infinity));
    ahead.delete(owner);
  };
  const awaitVersion = (published: SetVersion, atMs: number): void => {
    const waiting = ahead.get(published.owner);
    if (waiting === undefined || waiting.published.epoch < published.epoch) {
      ahead.set(published.owner, { published, atMs });
    }
  };
  return {
    heard: (heartbeat, applied, nowMs) => {
      const atMs = nowMs - heartbeat.sourceAgeMs;
      for (const published of heartbeat.applied) {
        const { owner } = published;
        const own = applied.find((version) => version.owner === owner);
        if (own === undefined) continue;
        const waiting = ahead.get(owner);
        if (waiting !== undefined && reaches(own, waiting.published)) prove(owner, waiting.atMs);
        if (reaches(own, published)) prove(owner, atMs);
        else if (compareVersions(published, own) > 0) awaitVersion(published, atMs);
      }
    },
    ageMs: (owner, nowMs) => nowMs - (freshAtMs.get(owner) ?? -Infinity),
  };
}
