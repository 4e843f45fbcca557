import { rotateAnnotation, rotationPhases } from '#shared/contracts/kubernetes/rotation-state.ts';
import { readCaRotationState, readLeafRotationState } from '#shared/installation/read-rotation-state.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';

/** Names what is rotated. */
export type Target = 'ca' | 'leaf';

/** Identifies the rotation that is followed: first by its request, once it runs by the rotation or the leaf. */
export interface Followed {
  id: string;
  /** Whether `id` is still that of the request. */
  requested: boolean;
}

/** Says how far the followed rotation is. */
export type RotationStatus =
  | { outcome: 'underWay'; phase: string; since?: string; waitingFor: readonly string[] }
  | { outcome: 'done' }
  | { outcome: 'refused'; reason: string }
  | { outcome: 'superseded'; by: string };

const requested: RotationStatus = {
  outcome: 'underWay',
  phase: 'requested',
  waitingFor: ['cert-manager to accept the request; check that it is running'],
};

const requestOf = (secret: Secret | undefined): string | undefined =>
  secret?.metadata.annotations?.[rotateAnnotation];

/** Finds a rotation that is already under way, or undefined: it is followed instead of starting one. */
export function rotationUnderWay(target: Target, secret: Secret): Followed | undefined {
  const request = requestOf(secret);
  const state = target === 'ca' ? readCaRotationState(secret) : readLeafRotationState(secret);
  const running = target === 'ca' ? readCaRotationState(secret)?.rotation?.id : unservedLeaf(secret);
  if (running !== undefined) return { id: running, requested: false };
  return request === undefined || request === state?.handled ? undefined : { id: request, requested: true };
}

function unservedLeaf(secret: Secret): string | undefined {
  const state = readLeafRotationState(secret);
  return state?.served === false ? state.fingerprint : undefined;
}

/** Reads the status of the followed rotation from its Secret, undefined when that is gone. */
export const rotationStatus = (
  target: Target,
  secret: Secret | undefined,
  followed: Followed,
): RotationStatus => (target === 'ca' ? caStatus(secret, followed) : leafStatus(secret, followed));

function caStatus(secret: Secret | undefined, { id, requested: isRequest }: Followed): RotationStatus {
  const state = readCaRotationState(secret);
  if (state?.refused?.id === id) return { outcome: 'refused', reason: state.refused.reason };
  if (state?.rotation?.id === id) {
    const { phase, since, waitingFor } = state;
    return { outcome: 'underWay', phase, ...(since === undefined ? {} : { since }), waitingFor };
  }
  if (state?.handled === id || (!isRequest && state?.phase === 'stable')) return { outcome: 'done' };
  return unanswered(secret, id, state?.rotation?.id);
}

function leafStatus(secret: Secret | undefined, { id, requested: isRequest }: Followed): RotationStatus {
  const state = readLeafRotationState(secret);
  if (state?.refused?.id === id) return { outcome: 'refused', reason: state.refused.reason };
  if (state !== undefined && (isRequest ? state.handled : state.fingerprint) === id) {
    const { served, issuedAt: since, waitingFor } = state;
    return served ? { outcome: 'done' } : { outcome: 'underWay', phase: 'loading', since, waitingFor };
  }
  return unanswered(secret, id, isRequest ? undefined : state?.fingerprint);
}

/**
 * Judges a Secret that does not answer the request. A deleted one comes back from cert-manager's memory, with its
 * annotations.
 */
function unanswered(secret: Secret | undefined, id: string, other: string | undefined): RotationStatus {
  if (secret === undefined) {
    return { outcome: 'underWay', phase: 'deleted', waitingFor: ['cert-manager to restore the Secret'] };
  }
  const request = requestOf(secret);
  return request === id
    ? requested
    : { outcome: 'superseded', by: other ?? request ?? 'a Secret without the request' };
}

/**
 * Returns what to follow from now on. A CA rotation that runs is known by its own id, whatever is requested meanwhile.
 */
export const followOn = (target: Target, followed: Followed, status: RotationStatus): Followed =>
  target === 'ca' && status.outcome === 'underWay' && isPhase(status.phase)
    ? { ...followed, requested: false }
    : followed;

const isPhase = (phase: string): boolean => rotationPhases.some((each) => each === phase);
