import { rotateAnnotation, rotationPhases } from '#shared/contracts/rotation-state.ts';
import { readCaState, readLeafState } from '#shared/installation/read-rotation-state.ts';
import type { Secret } from '#shared/kubernetes/kubernetes-object.ts';

/** What is rotated. */
export type Target = 'ca' | 'leaf';

/** A rotation that is followed: by the id of its request, or once it runs by that of the rotation or the leaf. */
export interface Followed {
  id: string;
  /** Whether it is still the request that is looked for. */
  requested: boolean;
}

/** Where the followed rotation stands. */
export type RotationStatus =
  | { outcome: 'underWay'; phase: string; since?: string; waitingFor: readonly string[] }
  | { outcome: 'done' }
  | { outcome: 'refused'; reason: string }
  | { outcome: 'superseded'; by: string };

const requested: RotationStatus = {
  outcome: 'underWay',
  phase: 'requested',
  waitingFor: ['cert-manager to take the request; is it running?'],
};

const requestOf = (secret: Secret | undefined): string | undefined =>
  secret?.metadata.annotations?.[rotateAnnotation];

/** The rotation that goes on without our doing, or undefined: it is followed instead of starting one. */
export function rotationUnderWay(target: Target, secret: Secret): Followed | undefined {
  const request = requestOf(secret);
  const state = target === 'ca' ? readCaState(secret) : readLeafState(secret);
  const running = target === 'ca' ? readCaState(secret)?.rotation?.id : unservedLeaf(secret);
  if (running !== undefined) return { id: running, requested: false };
  return request === undefined || request === state?.handled ? undefined : { id: request, requested: true };
}

function unservedLeaf(secret: Secret): string | undefined {
  const state = readLeafState(secret);
  return state?.served === false ? state.fingerprint : undefined;
}

/** Where the followed rotation stands according to its Secret, undefined when that is gone. */
export const rotationStatus = (
  target: Target,
  secret: Secret | undefined,
  followed: Followed,
): RotationStatus => (target === 'ca' ? caStatus(secret, followed) : leafStatus(secret, followed));

function caStatus(secret: Secret | undefined, { id, requested: isRequest }: Followed): RotationStatus {
  const state = readCaState(secret);
  if (state?.refused?.id === id) return { outcome: 'refused', reason: state.refused.reason };
  if (state?.rotation?.id === id) {
    const { phase, since, waitingFor } = state;
    return { outcome: 'underWay', phase, ...(since === undefined ? {} : { since }), waitingFor };
  }
  if (state?.handled === id || (!isRequest && state?.phase === 'stable')) return { outcome: 'done' };
  return unanswered(secret, id, state?.rotation?.id);
}

function leafStatus(secret: Secret | undefined, { id, requested: isRequest }: Followed): RotationStatus {
  const state = readLeafState(secret);
  if (state?.refused?.id === id) return { outcome: 'refused', reason: state.refused.reason };
  if (state !== undefined && (isRequest ? state.handled : state.fingerprint) === id) {
    const { served, issuedAt: since, waitingFor } = state;
    return served ? { outcome: 'done' } : { outcome: 'underWay', phase: 'loading', since, waitingFor };
  }
  return unanswered(secret, id, isRequest ? undefined : state?.fingerprint);
}

/** A Secret that somebody deleted comes back from cert-manager's memory, with its annotations. */
function unanswered(secret: Secret | undefined, id: string, other: string | undefined): RotationStatus {
  if (secret === undefined) {
    return { outcome: 'underWay', phase: 'deleted', waitingFor: ['cert-manager to bring the Secret back'] };
  }
  const request = requestOf(secret);
  return request === id
    ? requested
    : { outcome: 'superseded', by: other ?? request ?? 'a Secret without the request' };
}

/** What to look for from now on: a rotation of a CA that runs is known by its own id, whatever is asked meanwhile. */
export const followOn = (target: Target, followed: Followed, status: RotationStatus): Followed =>
  target === 'ca' && status.outcome === 'underWay' && isPhase(status.phase)
    ? { ...followed, requested: false }
    : followed;

const isPhase = (phase: string): boolean => rotationPhases.some((each) => each === phase);
