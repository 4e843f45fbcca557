import { isDeepStrictEqual } from 'node:util';
import type { LeaseSpec } from './lease.ts';

/**
 * Leader election with a Lease, decided as client-go's tools/leaderelection does: every time that counts is one's own
 * monotonic one. What a Lease says of time is for people, and for telling two of its states apart.
 */

/**
 * Times of the election, ms. A leader stops acting as one before anybody else may take over. One attempt that hangs
 * costs it nothing: the renewal, the attempt, the rest and a second attempt of full length end before the deadline.
 */
export const leaseTimes = {
  /** A Lease that has not changed for so long is free. */
  durationMs: 6_000,
  /** Longest duration that is honoured of a Lease of another holder: an absurd one would end the election for ever. */
  mostDurationMs: 600_000,
  /** Time after its last renewal was sent for which a leader still acts as one (client-go's RenewDeadline). */
  renewDeadlineMs: 4_000,
  renewEveryMs: 1_500,
  /** An attempt, which is a read and a write, is given up after this. */
  attemptTimeoutMs: 1_000,
  /** A leader's rest after an attempt that failed. */
  leaderRetryMs: 250,
  /** How often a candidate looks. */
  retryEveryMs: 1_000,
} as const;

/** A state of the Lease, and since when it has been observed, ms of the own monotonic clock. */
export interface ObservedLease {
  spec: LeaseSpec;
  sinceMs: number;
}

/** What a candidate decides by. */
export interface CandidateState {
  identity: string;
  observed: ObservedLease;
  /** When the last renewal that succeeded was sent, monotonic ms; undefined for one that does not lead. */
  renewedAtMs: number | undefined;
}

export type LeaseStep = 'acquire' | 'renew' | 'wait' | 'lost';

/** Adds a state of the Lease that was received at `nowMs`; one that was observed before keeps its time. */
export function observeLease(
  before: ObservedLease | undefined,
  spec: LeaseSpec,
  nowMs: number,
): ObservedLease {
  return before !== undefined && isDeepStrictEqual(before.spec, spec) ? before : { spec, sinceMs: nowMs };
}

/** Tells whether one that renewed then may still act as the leader. */
export const withinRenewDeadline = (renewedAtMs: number | undefined, nowMs: number): boolean =>
  renewedAtMs !== undefined && nowMs - renewedAtMs < leaseTimes.renewDeadlineMs;

/**
 * Returns when a Lease of another holder may be taken, monotonic ms. client-go honours any duration; a bound takes
 * nothing from a holder that renews, because each renewal is a new state, observed anew.
 */
export const expiresAtMs = ({ spec, sinceMs }: ObservedLease): number => {
  const saidMs = Math.min(leaseTimes.mostDurationMs, (spec.leaseDurationSeconds ?? 0) * 1_000);
  return sinceMs + Math.max(leaseTimes.durationMs, saidMs);
};

/**
 * Decides what a candidate does next. One that finds its own name in the Lease takes it at once: the process before it
 * in the same pod has ended, or its own answer was lost. Every write that follows has the resourceVersion as its
 * precondition.
 */
export function nextLeaseStep({ identity, observed, renewedAtMs }: CandidateState, nowMs: number): LeaseStep {
  const holder = observed.spec.holderIdentity ?? '';
  if (renewedAtMs !== undefined) {
    return holder === identity && withinRenewDeadline(renewedAtMs, nowMs) ? 'renew' : 'lost';
  }
  return holder === '' || holder === identity || nowMs >= expiresAtMs(observed) ? 'acquire' : 'wait';
}

/** Largest count that the API server takes (int32); the next one is 1 again. */
const mostTransitions = 2 ** 31 - 1;

/**
 * Makes the spec of a Lease that `identity` takes or keeps.
 * @param wall.nowMs for people, ms since the Unix epoch
 * @param wall.count grows with every write: two of them differ even when the wall clock stands or is put back
 */
export function holderSpec(
  before: LeaseSpec,
  identity: string,
  wall: { nowMs: number; count: number },
): LeaseSpec {
  const renewTime = microTime(wall.nowMs, wall.count);
  const keeps = before.holderIdentity === identity;
  const transitions = before.leaseTransitions ?? 0;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: leaseTimes.durationMs / 1_000,
    acquireTime: (keeps ? before.acquireTime : undefined) ?? renewTime,
    renewTime,
    leaseTransitions: keeps ? transitions : (transitions % mostTransitions) + 1,
  };
}

/** Makes the spec of a Lease that its holder releases: the next one need not wait. */
export const releasedSpec = ({ leaseTransitions = 0 }: LeaseSpec): LeaseSpec => ({
  leaseDurationSeconds: 1,
  leaseTransitions,
});

const microTime = (nowMs: number, count: number): string =>
  `${new Date(nowMs).toISOString().slice(0, -1)}${String(count % 1_000).padStart(3, '0')}Z`;
