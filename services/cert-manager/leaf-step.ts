import { isSameList } from './ca-repair.ts';
import {
  type CaFacts,
  type Facts,
  type HeldForMs,
  type LeafFact,
  type RotationPolicy,
  type Step,
  trusts,
} from './rotation-facts.ts';
import { notServing } from './served-everywhere.ts';

/** Stands for a leaf that is yet to be made. */
const newLeaf = 'new';

type ServingWrite = Extract<Step, { write: 'serving' }>;

/**
 * Keeps the serving Secret: the last good leaf back where it was broken, a new one when it is due, asked for, or of
 * another CA than the issuing one. Undefined when it is right, or nothing can be done yet.
 */
export function leafStep(
  facts: Facts,
  ca: CaFacts,
  heldForMs: HeldForMs,
  policy: RotationPolicy,
): ServingWrite | undefined {
  const { serving } = facts;
  const kept = [serving?.leaf, facts.held.leaf].find(
    (leaf) => leaf !== undefined && leaf.problem === undefined,
  );
  const isAsked = serving?.request !== undefined && serving.request !== serving.state?.handled;
  const reason = reasonToIssue(kept, facts, ca, isAsked);
  const handled = isAsked ? serving.request : serving?.state?.handled;
  if (reason !== undefined && mayIssue(kept, facts, ca, heldForMs, policy)) {
    const state = stateOf(notServing(facts, newLeaf), handled);
    return { write: 'serving', why: reason, leaf: { issue: true }, bundle: ca.bundle, state };
  }
  if (kept === undefined) return undefined;
  const state = stateOf(notServing(facts, kept.id), serving?.state?.handled);
  const isRight =
    serving?.tidy &&
    serving.leaf.id === kept.id &&
    serving.leaf.problem === undefined &&
    serving.state?.fingerprint === kept.id &&
    isSameList(serving.bundle, ca.bundle) &&
    isSameList(serving.state.waitingFor, state.waitingFor);
  if (isRight) return undefined;
  const why = serving?.leaf.problem ?? 'it differed from what it has to be';
  return { write: 'serving', why, leaf: { id: kept.id, issuedAt: kept.issuedAt }, bundle: ca.bundle, state };
}

const stateOf = (waitingFor: string[], handled: string | undefined): ServingWrite['state'] => ({
  version: 1,
  served: waitingFor.length === 0,
  waitingFor,
  ...(handled === undefined ? {} : { handled }),
});

function reasonToIssue(
  kept: LeafFact | undefined,
  { serving }: Facts,
  { issuing }: CaFacts,
  isAsked: boolean,
): string | undefined {
  if (kept === undefined) return serving?.leaf.problem ?? 'there is none';
  if (kept.issuer !== issuing.id) return 'it is of another CA than the issuing one';
  if (kept.due) return 'it is due for renewal';
  return isAsked ? 'requested' : undefined;
}

/**
 * A leaf is made when every API server can know its CA: where it takes the place of one of the same CA, where no other
 * CA was ever trusted, or after the configuration has named the CA for long enough.
 */
function mayIssue(
  kept: LeafFact | undefined,
  { webhook }: Facts,
  { issuing, bundle }: CaFacts,
  heldForMs: HeldForMs,
  { trustWaitMs }: RotationPolicy,
): boolean {
  if (webhook.trusted === undefined) return true;
  if (!webhook.trusted.includes(issuing.id)) return false;
  const isAlone = bundle.length === 1 && webhook.trusted.length === 1;
  return isAlone || kept?.issuer === issuing.id || heldForMs(trusts(issuing.id)) >= trustWaitMs;
}
