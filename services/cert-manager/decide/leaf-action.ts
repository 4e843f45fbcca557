import type { LeafState } from '#shared/contracts/rotation-state.ts';
import { notServing } from './not-serving.ts';
import { isSameList } from './repair-ca.ts';
import {
  type ActionOf,
  type CaSecretFacts,
  type LeafFact,
  type RotationFacts,
  type RotationPolicy,
  type SteadyForMs,
  trusts,
} from './rotation-facts.ts';

/** Stands for a leaf that is yet to be made. */
const newLeaf = 'new';

type ServingAction = ActionOf<'write-serving-secret'>;

/**
 * Keeps the serving Secret: the last good leaf back where it was broken, a new one when it is due, asked for, or of
 * another CA than the issuing one. Undefined when it is right, or nothing can be done yet.
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
  const asked = serving?.request === serving?.state?.handled ? undefined : serving?.request;
  const reason = reasonToIssue(kept, facts, ca, asked);
  if (reason !== undefined && mayIssue(kept, facts, ca, steadyForMs, policy)) {
    const answer = asked === undefined ? answered(serving?.state) : { handled: asked };
    const state = stateOf(notServing(facts, newLeaf), answer);
    return { kind: 'write-serving-secret', why: reason, leaf: { issue: true }, bundle: ca.bundle, state };
  }
  if (kept === undefined) return undefined;
  const answer = refusal(facts, asked) ?? answered(serving?.state);
  const state = stateOf(notServing(facts, kept.id), answer);
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

/** What became of the last request. */
type Answer = Pick<LeafState, 'handled' | 'refused'>;

const answered = (state: LeafState | undefined): Answer => ({
  ...(state?.handled === undefined ? {} : { handled: state.handled }),
  ...(state?.refused === undefined ? {} : { refused: state.refused }),
});

/** A request that nothing but an operator can make possible; any other waits. */
const refusal = ({ webhook }: RotationFacts, id: string | undefined): Answer | undefined =>
  id === undefined || webhook.unmanagedReason === undefined
    ? undefined
    : { handled: id, refused: { id, reason: webhook.unmanagedReason } };

const stateOf = (waitingFor: string[], answer: Answer): ServingAction['state'] => ({
  version: 1,
  served: waitingFor.length === 0,
  waitingFor,
  ...answer,
});

function reasonToIssue(
  kept: LeafFact | undefined,
  { serving }: RotationFacts,
  { issuing }: CaSecretFacts,
  asked: string | undefined,
): string | undefined {
  if (kept === undefined) return serving?.leaf.problem ?? 'there is none';
  if (kept.issuer !== issuing.id) return 'it is of another CA than the issuing one';
  if (kept.due) return 'it is due for renewal';
  return asked === undefined ? undefined : 'requested';
}

/**
 * A leaf is made when every API server can know its CA: where it takes the place of one of the same CA, where no other
 * CA is trusted, or after the configuration has named the CA for long enough. The first of these asks nothing of the
 * configuration: somebody may write its bundle again and again.
 */
function mayIssue(
  kept: LeafFact | undefined,
  { webhook }: RotationFacts,
  { issuing }: CaSecretFacts,
  steadyForMs: SteadyForMs,
  { trustWaitMs }: RotationPolicy,
): boolean {
  if (webhook.trusted === undefined || kept?.issuer === issuing.id) return true;
  if (!webhook.trusted.includes(issuing.id)) return false;
  const isAlone = webhook.trusted.length === 1;
  return isAlone || steadyForMs(trusts(issuing.id)) >= trustWaitMs;
}
