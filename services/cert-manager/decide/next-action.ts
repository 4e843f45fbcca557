import { leafAction } from './leaf-action.ts';
import { notServing } from './not-serving.ts';
import { isSameList, repairCa } from './repair-ca.ts';
import { rotationAction } from './rotation-action.ts';
import {
  type Action,
  type RotationFacts,
  type RotationPolicy,
  type SteadyForMs,
  serve,
  trusts,
  uncalled,
} from './rotation-facts.ts';

/**
 * The next write, decided on what is known now: the CA Secret first, then what the API server trusts, then the leaf,
 * and when all three are right the rotation goes on. A repair of the webhook configuration that somebody undoes again and
 * again is not waited for: leaf and rotation ask themselves what is trusted. Nor is a Secret that only an operator can write.
 * The CA Secret is the only record of where a rotation stands, so any process can go on from any write. `steadyForMs` is of
 * {@link holdingConditions} of the same facts.
 */
export function nextAction(facts: RotationFacts, steadyForMs: SteadyForMs, policy: RotationPolicy): Action {
  const action = wantedAction(facts, steadyForMs, policy);
  const { ca, serving } = facts.unwritable ?? {};
  const isWritable =
    action.kind === 'write-ca-secret'
      ? ca === undefined
      : action.kind !== 'write-serving-secret' || serving === undefined;
  return isWritable ? action : { kind: 'wait', recheckMs: undefined };
}

function wantedAction(facts: RotationFacts, steadyForMs: SteadyForMs, policy: RotationPolicy): Action {
  const repair = repairCa(facts);
  const { ca, webhook } = facts;
  const isUsable = ca !== undefined && ca.issuing.problem === undefined;
  if (repair !== undefined && !(isUsable && facts.unwritable?.ca !== undefined)) return repair;
  if (ca === undefined) return { kind: 'wait', recheckMs: undefined };
  if (webhook.unmanagedReason === undefined) {
    const isTrusted = webhook.isBundleDeferred || isSameList(webhook.trusted ?? [], ca.bundle);
    if (webhook.drifted || !isTrusted)
      return { kind: 'repair-webhook', why: 'it differed from what it has to be', bundle: ca.bundle };
  }
  return leafAction(facts, ca, steadyForMs, policy) ?? rotationAction(facts, ca, steadyForMs, policy);
}

/** The conditions that hold now, of those for which an action waits a time. */
export function holdingConditions(facts: RotationFacts): string[] {
  const { webhook, serving } = facts;
  const told = webhook.trusted?.map(trusts) ?? [uncalled];
  const leaf = serving?.leaf.id;
  const isServed = leaf !== undefined && notServing(facts, leaf).length === 0;
  return [...told, ...(isServed ? [serve(leaf)] : [])];
}
