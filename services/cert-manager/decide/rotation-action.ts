import type { CaState } from '#shared/contracts/rotation-state.ts';
import { notServing } from './not-serving.ts';
import { isSameList } from './repair-ca.ts';
import {
  type Action,
  type CaSecretFacts,
  newCa,
  type RotationFacts,
  type RotationPolicy,
  type SteadyForMs,
  serve,
  trusts,
  uncalled,
} from './rotation-facts.ts';

/** What a phase says: the Secret of the phase after it, or what it waits for and for how long at least. */
type Outcome =
  | {
      to: CaState['phase'];
      issuing: string;
      next?: string;
      bundle: readonly string[];
      rotation?: CaState['rotation'];
    }
  | { waitingFor: string[]; recheckMs: number };

/** How often to look again while a report or another's deed is awaited; what is heard wakes it sooner. */
const pollMs = 2_000;
const apiServersNotice = 'the API servers to notice the new bundle (tls.rotation.trustWaitSeconds)';

/**
 * Takes the CA through its rotation, one phase at a time: an old CA is trusted no more only when every endpoint has
 * served a leaf of the new one for longer than connections of before and mounts of before last.
 */
export function rotationAction(
  facts: RotationFacts,
  ca: CaSecretFacts,
  steadyForMs: SteadyForMs,
  policy: RotationPolicy,
): Action {
  if (ca.request !== undefined && ca.request !== ca.state.handled)
    return answerRequest(facts, ca, ca.request);
  const outcome = phases[ca.state.phase](facts, ca, steadyForMs, policy);
  if (outcome === undefined) return { kind: 'wait', recheckMs: undefined };
  if ('to' in outcome) return enter(outcome, ca.state, facts.nowMs);
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
  // The leaf of this CA could not be made yet: it is looked for again before the times that count begin anew.
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
  const restMs = trustWaitMs - steadyForMs(webhook.trusted === undefined ? uncalled : trusts(next));
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
  const connectionsMs = connectionWaitMs - steadyForMs(serve(facts.serving?.leaf.id ?? ''));
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

/** What keeps the leaf of the issuing CA from being trusted and served everywhere. */
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

function answerRequest({ webhook, nowMs }: RotationFacts, ca: CaSecretFacts, id: string): Action {
  const reason =
    ca.state.phase === 'stable' ? webhook.unmanagedReason : `a rotation is under way (${ca.state.phase})`;
  const state = { ...ca.state, handled: id };
  if (reason !== undefined) return writeState(ca, { ...state, refused: { id, reason } }, 'refused a request');
  const { refused: _, ...rest } = state;
  return enter(start(ca, { id, reason: 'requested', startedAt: new Date(nowMs).toISOString() }), rest, nowMs);
}

const start = ({ issuing, bundle }: CaSecretFacts, rotation: CaState['rotation']) => ({
  to: 'distributing' as const,
  issuing: issuing.id,
  next: newCa,
  bundle: [newCa, ...bundle],
  rotation,
});

function enter(outcome: Extract<Outcome, { to: unknown }>, state: CaState, nowMs: number): Action {
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

/** `restMs` is a time that is known; the clock may jump, so it is looked at now and then anyway. */
const wait = (waitingFor: string[], restMs = pollMs): Outcome => ({
  waitingFor,
  recheckMs: Math.min(Math.max(restMs, 50), pollMs),
});
