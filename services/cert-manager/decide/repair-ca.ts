import type { CaState } from '#shared/contracts/kubernetes/rotation-state.ts';
import {
  type ActionOf,
  type CaFact,
  type CaSecretFacts,
  newCa,
  type RotationFacts,
} from './rotation-facts.ts';

type CaAction = ActionOf<'write-ca-secret'>;

/** Describes the CA Secret to write, by the ids of its CAs and the state before. */
interface DesiredCa {
  issuing: string;
  next: string | undefined;
  /** The CAs to trust besides those two; each counts once. */
  trusted: readonly string[];
  state: CaState;
  /** Whether a CA was added that is to be retired again: the phase cannot go on. */
  hasGrown: boolean;
}

/**
 * Repairs the CA Secret; returns undefined when it needs no repair. It restores the last known good CA, creates one where
 * there is none, and adds to the bundle every CA of which a certificate may still be served. A repair only adds trust;
 * the end of a rotation removes it.
 */
export function repairCa(facts: RotationFacts): CaAction | undefined {
  const { ca, lastKnownGood, webhook, nowMs } = facts;
  if (ca !== undefined && ca.issuing.problem === undefined) return repairUsable(facts, ca);
  const why = ca?.issuing.problem ?? 'there is none';
  const back = lastKnownGood.ca;
  if (back !== undefined && back.issuing.problem === undefined) {
    const desired = {
      issuing: back.issuing.id,
      next: back.next?.id,
      trusted: [...back.bundle, ...webhook.current],
      state: back.state,
      hasGrown: webhook.current.some((id) => !back.bundle.includes(id)),
    };
    return { kind: 'write-ca-secret', why: `restored: ${why}`, ...normalize(desired, nowMs) };
  }
  // The bundle beside a refused key pair is not trusted either.
  const state = ca?.state ?? { version: 1, phase: 'stable', waitingFor: [] };
  const desired = {
    issuing: newCa,
    next: undefined,
    trusted: webhook.current,
    state,
    hasGrown: true,
  };
  return { kind: 'write-ca-secret', why, ...normalize(desired, nowMs) };
}

function repairUsable(facts: RotationFacts, ca: CaSecretFacts): CaAction | undefined {
  const { state, issuing } = ca;
  const isBrought = ca.bundle.length > 0 && !ca.bundle.includes(issuing.id);
  const next = state.phase === 'distributing' && !isBrought ? nextOf(facts, ca) : undefined;
  const added = [issuing.id, ...trustToAdd(facts, ca)].filter((id) => !ca.bundle.includes(id));
  const trusted = [...ca.bundle, ...added];
  const desired = { issuing: issuing.id, next, trusted, state, hasGrown: added.length > 0 };
  const repaired = normalize(desired, facts.nowMs);
  const isRight =
    ca.isConformant &&
    repaired.state.since === state.since &&
    repaired.state.phase === state.phase &&
    next === (state.phase === 'distributing' ? usableId(ca.next) : undefined) &&
    isSameList(repaired.bundle, ca.bundle);
  return isRight
    ? undefined
    : { kind: 'write-ca-secret', why: 'it differed from what it has to be', ...repaired };
}

/** Tells whether the state is that of the last known good Secret: then somebody edited only its data. */
const isKnownState = ({ lastKnownGood }: RotationFacts, { state }: CaSecretFacts): boolean =>
  lastKnownGood.ca !== undefined &&
  lastKnownGood.ca.state.phase === state.phase &&
  lastKnownGood.ca.state.since === state.since;

const nextOf = (facts: RotationFacts, ca: CaSecretFacts): string =>
  usableId(ca.next) ??
  (isKnownState(facts, ca) ? usableId(facts.lastKnownGood.ca?.next) : undefined) ??
  newCa;

const usableId = (ca: CaFact | undefined): string | undefined =>
  ca?.problem === undefined ? ca?.id : undefined;

/** Lists the CAs that must stay trusted although the bundle may lack them. */
function trustToAdd(facts: RotationFacts, ca: CaSecretFacts): string[] {
  const { lastKnownGood, serving, webhook } = facts;
  const issuer = serving?.leaf.issuer;
  return [
    ...(isKnownState(facts, ca) ? (lastKnownGood.ca?.bundle ?? []) : []),
    ...(mayBeServed(facts, ca) ? webhook.current : []),
    ...(issuer !== undefined && webhook.current.includes(issuer) ? [issuer] : []),
  ];
}

/**
 * Tells whether leaves of every CA that the API server trusts may still be served. That is so in the middle of a
 * rotation. It is also so in a stable state when this process did not see the last rotation end: after its start, or when
 * somebody put another Secret in place or restored an older one.
 */
const mayBeServed = ({ lastKnownGood }: RotationFacts, { state, issuing }: CaSecretFacts): boolean => {
  if (state.phase !== 'stable' || lastKnownGood.ca?.issuing.id !== issuing.id) return true;
  const { phase, since = '' } = lastKnownGood.ca.state;
  return phase !== 'stable' && !(phase === 'retiring' && since <= (state.since ?? ''));
};

/** Orders the bundle and finds the phase that belongs to it. */
function normalize(
  desired: DesiredCa,
  nowMs: number,
): Pick<CaAction, 'issuing' | 'next' | 'bundle' | 'state'> {
  const { issuing, next, state } = desired;
  const bundle = [...new Set([...(next === undefined ? [] : [next]), issuing, ...desired.trusted])];
  const since = new Date(nowMs).toISOString();
  const phase = phaseOf(desired, bundle.length);
  if (phase === state.phase) {
    const kept = state.since !== undefined && isCredible(state.since, nowMs) ? state.since : since;
    return { issuing, next, bundle, state: { ...state, since: kept } };
  }
  const { rotation = { id: `repair-${since}`, reason: 'another CA was in use', startedAt: since }, ...rest } =
    state;
  const inRotation = phase === 'stable' ? {} : { rotation };
  return { issuing, next, bundle, state: { ...rest, ...inRotation, phase, since, waitingFor: [] } };
}

/** Exceeds by far how much the clocks of replicas differ. */
const skewMs = 60_000;

/** Tells a phase that has begun from one that would begin in the future, and so never end. */
const isCredible = (since: string, nowMs: number): boolean => Date.parse(since) <= nowMs + skewMs;

function phaseOf({ next, state, hasGrown }: DesiredCa, size: number): CaState['phase'] {
  if (size === 1) return 'stable';
  if (next !== undefined) return 'distributing';
  return !hasGrown && state.phase === 'retiring' ? 'retiring' : 'switching';
}

/** Tells whether two lists hold the same ids in the same order. */
export const isSameList = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((each, index) => each === right[index]);
