import type { CaState } from '#shared/contracts/kubernetes/rotation-state.ts';
import { notServing } from './not-serving.ts';
import { isSameList } from './repair-ca.ts';
import {
  type Action,
  type CaSecretFacts,
  newCa,
  type RotationFacts,
  type RotationPolicy,
  type SteadyForMs,
  servedCondition,
  trustedCondition,
  uncalledCondition,
} from './rotation-facts.ts';

/** Is what a phase decides: the CA Secret of the next phase, or what it waits for and for how long. */
type Outcome =
  | {
      to: CaState['phase'];
      issuing: string;
      next?: string;
      bundle: readonly string[];
      rotation?: CaState['rotation'];
    }
  | { waitingFor: string[]; recheckMs: number };

/** Polls at this interval while waiting for heartbeats or another writer; heartbeats wake the loop earlier. */
const pollMs = 2_000;
const apiServersNotice = 'the API servers to notice the new bundle (tls.rotation.trustWaitSeconds)';

/**
 * Advances the rotation of the CA by one phase at a time. The old CA is removed from the bundle only after every endpoint
 * has served a certificate from the new CA for longer than old connections live and kubelet mounts take to refresh.
 */
export function rotationAction(
  facts: RotationFacts,
  ca: CaSecretFacts,
  steadyForMs: SteadyForMs,
  policy: RotationPolicy,
): Action {
  if (ca.request !== undefined && ca.request !== ca.state.handled)
    return handleRequest(facts, ca, ca.request);
  const outcome = phases[ca.state.phase](facts, ca, steadyForMs, policy);
  if (outcome === undefined) return { kind: 'wait', recheckMs: undefined };
  if ('to' in outcome) return enterPhase(outcome, ca.state, facts.nowMs);
  const { waitingFor, recheckMs } = outcome;
  if (isSameList(waitingFor, ca.state.waitingFor)) return { kind: 'wait', recheckMs };
  return writeState(ca, { ...ca.state, waitingFor }, 'what it waits for has changed');
}

type Phase = (
  facts: RotationFacts,
  ca: CaSecretFacts,
  steadyForMs: SteadyForMs,
  policy: RotationPolicy,
) => Outcome | undefined;

const stable: Phase = ({ webhook, serving, nowMs }, ca) => {
  // The leaf of this CA could not be issued yet; the poll comes before the counted time starts again.
  if (serving?.leaf.issuer !== ca.issuing.id || serving.leaf.problem !== undefined) {
    const isTrusted = webhook.trusted?.includes(ca.issuing.id) === true;
    return wait([isTrusted ? apiServersNotice : (webhook.unmanagedReason ?? apiServersNotice)]);
  }
  if (ca.issuing.due === undefined) return ca.state.waitingFor.length === 0 ? undefined : wait([]);
  if (webhook.unmanagedReason !== undefined) return wait([webhook.unmanagedReason]);
  const at = new Date(nowMs).toISOString();
  return start(ca, { id: `scheduled-${at}`, reason: ca.issuing.due, startedAt: at });
};

const distributing: Phase = ({ webhook }, ca, steadyForMs, { trustWaitMs }) => {
  const next = ca.next?.id ?? '';
  if (webhook.trusted !== undefined && !webhook.trusted.includes(next)) {
    return wait([webhook.unmanagedReason ?? 'the webhook configuration to hold the next CA']);
  }
  const restMs =
    trustWaitMs - steadyForMs(webhook.trusted === undefined ? uncalledCondition : trustedCondition(next));
  if (restMs > 0) return wait([apiServersNotice], restMs);
  return { to: 'switching', issuing: next, bundle: ca.bundle };
};

const switching: Phase = (facts, ca) => {
  const waitingFor = notSwitched(facts, ca);
  return waitingFor.length === 0
    ? { to: 'retiring', issuing: ca.issuing.id, bundle: ca.bundle }
    : wait(waitingFor);
};

const retiring: Phase = (facts, ca, steadyForMs, { connectionWaitMs, overlapMs }) => {
  const waitingFor = [...notSwitched(facts, ca), ...[facts.webhook.unmanagedReason ?? []].flat()];
  if (waitingFor.length > 0) return wait(waitingFor);
  const connectionsMs = connectionWaitMs - steadyForMs(servedCondition(facts.serving?.leaf.id ?? ''));
  if (connectionsMs > 0) {
    return wait(['connections of before to end (tls.rotation.connectionWaitSeconds)'], connectionsMs);
  }
  const endMs = Date.parse(ca.state.since ?? '') + overlapMs;
  if (!(facts.nowMs >= endMs)) {
    return wait([`the overlap of both CAs until ${new Date(endMs).toISOString()}`], endMs - facts.nowMs);
  }
  return { to: 'stable', issuing: ca.issuing.id, bundle: [ca.issuing.id] };
};

const phases: Record<CaState['phase'], Phase> = { stable, distributing, switching, retiring };

/** Lists what keeps the leaf of the issuing CA from being trusted and served everywhere. */
function notSwitched(facts: RotationFacts, { issuing }: CaSecretFacts): string[] {
  const { webhook, serving } = facts;
  if (webhook.trusted !== undefined && !webhook.trusted.includes(issuing.id)) {
    return ['the webhook configuration to hold the CA'];
  }
  if (serving?.leaf.issuer !== issuing.id || serving.leaf.problem !== undefined) {
    return [apiServersNotice];
  }
  return notServing(facts, serving.leaf.id);
}

function handleRequest({ webhook, nowMs }: RotationFacts, ca: CaSecretFacts, id: string): Action {
  const reason =
    ca.state.phase === 'stable' ? webhook.unmanagedReason : `a rotation is under way (${ca.state.phase})`;
  const state = { ...ca.state, handled: id };
  if (reason !== undefined) return writeState(ca, { ...state, refused: { id, reason } }, 'refused a request');
  const { refused: _, ...rest } = state;
  return enterPhase(
    start(ca, { id, reason: 'requested', startedAt: new Date(nowMs).toISOString() }),
    rest,
    nowMs,
  );
}

const start = ({ issuing, bundle }: CaSecretFacts, rotation: CaState['rotation']) => ({
  to: 'distributing' as const,
  issuing: issuing.id,
  next: newCa,
  bundle: [newCa, ...bundle],
  rotation,
});

function enterPhase(outcome: Extract<Outcome, { to: unknown }>, state: CaState, nowMs: number): Action {
  const { to: phase, issuing, next, bundle, rotation = state.rotation } = outcome;
  const { rotation: _, ...rest } = state;
  const inRotation = phase === 'stable' || rotation === undefined ? {} : { rotation };
  const since = new Date(nowMs).toISOString();
  return {
    kind: 'write-ca-secret',
    why: phase,
    issuing,
    next,
    bundle,
    state: { ...rest, ...inRotation, phase, since, waitingFor: [] },
  };
}

const writeState = ({ issuing, next, bundle }: CaSecretFacts, state: CaState, why: string): Action => ({
  kind: 'write-ca-secret',
  why,
  issuing: issuing.id,
  next: next?.id,
  bundle,
  state,
});

/** Waits for the rest of a known time, but polls meanwhile, since the clock may jump. */
const wait = (waitingFor: string[], restMs = pollMs): Outcome => ({
  waitingFor,
  recheckMs: Math.min(Math.max(restMs, 50), pollMs),
});
