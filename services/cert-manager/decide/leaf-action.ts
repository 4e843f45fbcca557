import type { LeafState } from '#shared/contracts/kubernetes/rotation-state.ts';
import { notServing } from './not-serving.ts';
import { isSameList } from './repair-ca.ts';
import {
  type ActionOf,
  type CaSecretFacts,
  type LeafFact,
  type RotationFacts,
  type RotationPolicy,
  type SteadyForMs,
  trustedCondition,
} from './rotation-facts.ts';

/** Names the leaf that is still to be issued. */
const newLeaf = 'new';

type ServingAction = ActionOf<'write-serving-secret'>;

/**
 * Decides the write of the serving Secret; undefined when there is nothing to write yet. It restores the last known good
 * leaf, and issues a new one when the old one is due, on request, or when another CA issues by now.
 */
export function leafAction(
  facts: RotationFacts,
  ca: CaSecretFacts,
  steadyForMs: SteadyForMs,
  policy: RotationPolicy,
): ServingAction | undefined {
  const { serving } = facts;
  const kept = [serving?.leaf, facts.lastKnownGood.leaf].find(
    (leaf) => leaf !== undefined && leaf.problem === undefined,
  );
  const requestId = serving?.request === serving?.state?.handled ? undefined : serving?.request;
  const reason = reasonToIssue(kept, facts, ca, requestId);
  if (reason !== undefined && mayIssue(kept, facts, ca, steadyForMs, policy)) {
    const outcome = requestId === undefined ? previousOutcome(serving?.state) : { handled: requestId };
    const state = stateOf(notServing(facts, newLeaf), outcome);
    return { kind: 'write-serving-secret', why: reason, leaf: { issue: true }, bundle: ca.bundle, state };
  }
  if (kept === undefined) return undefined;
  const outcome = refusedOutcome(facts, requestId) ?? previousOutcome(serving?.state);
  const state = stateOf(notServing(facts, kept.id), outcome);
  const isRight =
    serving?.isConformant &&
    serving.leaf.id === kept.id &&
    serving.leaf.problem === undefined &&
    serving.state?.fingerprint === kept.id &&
    serving.state.handled === state.handled &&
    isSameList(serving.bundle, ca.bundle) &&
    isSameList(serving.state.waitingFor, state.waitingFor);
  if (isRight) return undefined;
  const why = serving?.leaf.problem ?? 'it differed from what it has to be';
  return {
    kind: 'write-serving-secret',
    why,
    leaf: { id: kept.id, issuedAt: kept.issuedAt },
    bundle: ca.bundle,
    state,
  };
}

/** Records what became of the last request. */
type RequestOutcome = Pick<LeafState, 'handled' | 'refused'>;

const previousOutcome = (state: LeafState | undefined): RequestOutcome => ({
  ...(state?.handled === undefined ? {} : { handled: state.handled }),
  ...(state?.refused === undefined ? {} : { refused: state.refused }),
});

/** Refuses a request that only an operator can make possible; any other request waits. */
const refusedOutcome = ({ webhook }: RotationFacts, id: string | undefined): RequestOutcome | undefined =>
  id === undefined || webhook.unmanagedReason === undefined
    ? undefined
    : { handled: id, refused: { id, reason: webhook.unmanagedReason } };

const stateOf = (waitingFor: string[], outcome: RequestOutcome): ServingAction['state'] => ({
  version: 1,
  served: waitingFor.length === 0,
  waitingFor,
  ...outcome,
});

function reasonToIssue(
  kept: LeafFact | undefined,
  { serving }: RotationFacts,
  { issuing }: CaSecretFacts,
  requestId: string | undefined,
): string | undefined {
  if (kept === undefined) return serving?.leaf.problem ?? 'there is none';
  if (kept.issuer !== issuing.id) return 'it is of another CA than the issuing one';
  if (kept.due) return 'it is due for renewal';
  return requestId === undefined ? undefined : 'requested';
}

/**
 * Tells whether every API server knows the issuing CA, so that a leaf of it may be served. It does when the leaf replaces
 * one of the same CA, when no other CA is trusted, or when the configuration has named the CA for long enough. The first
 * case does not depend on the configuration, whose bundle another writer may overwrite again and again. Where nothing serves
 * there is no admission that an unknown CA could fail, so the wait would only prolong what it is to prevent.
 */
function mayIssue(
  kept: LeafFact | undefined,
  { webhook, endpoints }: RotationFacts,
  { issuing, state }: CaSecretFacts,
  steadyForMs: SteadyForMs,
  { trustWaitMs }: RotationPolicy,
): boolean {
  if (webhook.trusted === undefined || kept?.issuer === issuing.id) return true;
  // Without a leaf there is nothing to lose; in a rotation there may be one that only a gateway still has.
  if (webhook.isUnseen === true) return kept === undefined && state.phase === 'stable';
  if (!webhook.trusted.includes(issuing.id)) return false;
  const isAlone = webhook.trusted.length === 1;
  return (
    (kept === undefined && nothingServes(endpoints)) ||
    isAlone ||
    steadyForMs(trustedCondition(issuing.id)) >= trustWaitMs
  );
}

/** Tells whether no pod has a leaf in memory: an endpoint that has, or of which nobody knows, may outlive the Secret. */
const nothingServes = (endpoints: RotationFacts['endpoints']): boolean =>
  typeof endpoints !== 'string' && endpoints.every(({ ready, leaf }) => !ready && leaf === undefined);
