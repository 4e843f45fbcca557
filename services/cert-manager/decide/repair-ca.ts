import type { CaState } from '#shared/contracts/rotation-state.ts';
import {
  type ActionOf,
  type CaFact,
  type CaSecretFacts,
  newCa,
  type RotationFacts,
} from './rotation-facts.ts';

type CaAction = ActionOf<'write-ca-secret'>;

/** The ids of a CA Secret to be, and the state from which it comes. */
interface Wanted {
  issuing: string;
  next: string | undefined;
  /** Besides those two; each counts once. */
  trusted: readonly string[];
  state: CaState;
  /** Whether a CA was added that is to be retired again: the phase cannot go on. */
  grown: boolean;
}

/**
 * Makes the CA Secret whole: makes a CA where none can be had, brings the last good one back, and takes into the bundle
 * whatever something that is served may need. Trust is only ever added here; a rotation takes it away in the end.
 * Undefined when nothing is wrong.
 */
export function repairCa(facts: RotationFacts): CaAction | undefined {
  const { ca, lastKnownGood, webhook, nowMs } = facts;
  if (ca !== undefined && ca.issuing.problem === undefined) return repairUsable(facts, ca);
  const why = ca?.issuing.problem ?? 'there is none';
  const back = lastKnownGood.ca;
  if (back !== undefined && back.issuing.problem === undefined) {
    const wanted = {
      issuing: back.issuing.id,
      next: back.next?.id,
      trusted: [...back.bundle, ...webhook.current],
      state: back.state,
      grown: webhook.current.some((id) => !back.bundle.includes(id)),
    };
    return { kind: 'write-ca-secret', why: `restored: ${why}`, ...settle(wanted, nowMs) };
  }
  // What stands beside a refused pair is not trusted either.
  const state = ca?.state ?? { version: 1, phase: 'stable', waitingFor: [] };
  const wanted = {
    issuing: newCa,
    next: undefined,
    trusted: webhook.current,
    state,
    grown: true,
  };
  return { kind: 'write-ca-secret', why, ...settle(wanted, nowMs) };
}

function repairUsable(facts: RotationFacts, ca: CaSecretFacts): CaAction | undefined {
  const { state, issuing } = ca;
  const isBrought = ca.bundle.length > 0 && !ca.bundle.includes(issuing.id);
  const next = state.phase === 'distributing' && !isBrought ? nextOf(facts, ca) : undefined;
  const added = [issuing.id, ...trustToAdd(facts, ca)].filter((id) => !ca.bundle.includes(id));
  const trusted = [...ca.bundle, ...added];
  const wanted = { issuing: issuing.id, next, trusted, state, grown: added.length > 0 };
  const repaired = settle(wanted, facts.nowMs);
  const isRight =
    ca.isConformant &&
    state.since !== undefined &&
    repaired.state.phase === state.phase &&
    next === (state.phase === 'distributing' ? usableId(ca.next) : undefined) &&
    isSameList(repaired.bundle, ca.bundle);
  return isRight
    ? undefined
    : { kind: 'write-ca-secret', why: 'it differed from what it has to be', ...repaired };
}

/** Whether the Secret is in the state in which this process saw it whole: then somebody edited its data. */
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

/** What has to stay trusted though the bundle may not say so. */
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
 * Whether leaves of all that the API server trusts may be served: in the middle of a rotation, and when the Secret says
 * that there is none but this process did not see the one before end: at the first look, or because somebody has put
 * another Secret there, or one of before.
 */
const mayBeServed = ({ lastKnownGood }: RotationFacts, { state, issuing }: CaSecretFacts): boolean => {
  if (state.phase !== 'stable' || lastKnownGood.ca?.issuing.id !== issuing.id) return true;
  const { phase, since = '' } = lastKnownGood.ca.state;
  return phase !== 'stable' && !(phase === 'retiring' && since <= (state.since ?? ''));
};

/** Puts the bundle in order and finds the phase that goes with it. */
function settle(wanted: Wanted, nowMs: number): Pick<CaAction, 'issuing' | 'next' | 'bundle' | 'state'> {
  const { issuing, next, state } = wanted;
  const bundle = [...new Set([...(next === undefined ? [] : [next]), issuing, ...wanted.trusted])];
  const since = new Date(nowMs).toISOString();
  const phase = phaseOf(wanted, bundle.length);
  if (phase === state.phase) return { issuing, next, bundle, state: { since, ...state } };
  const { rotation = { id: `repair-${since}`, reason: 'another CA was in use', startedAt: since }, ...rest } =
    state;
  const inRotation = phase === 'stable' ? {} : { rotation };
  return { issuing, next, bundle, state: { ...rest, ...inRotation, phase, since, waitingFor: [] } };
}

function phaseOf({ next, state, grown }: Wanted, size: number): CaState['phase'] {
  if (size === 1) return 'stable';
  if (next !== undefined) return 'distributing';
  return !grown && state.phase === 'retiring' ? 'retiring' : 'switching';
}

export const isSameList = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((each, index) => each === right[index]);
