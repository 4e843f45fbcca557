import { leafAction } from './leaf-action.ts';
import { notServing } from './not-serving.ts';
import { isSameList, repairCa } from './repair-ca.ts';
import { rotationAction } from './rotation-action.ts';
import {
  type Action,
  type CaSecretFacts,
  type RotationFacts,
  type RotationPolicy,
  type SteadyForMs,
  servedCondition,
  trustedCondition,
  uncalledCondition,
  type WebhookFacts,
} from './rotation-facts.ts';

/**
 * Decides the next action: repair the CA Secret, then the webhook configuration, then the leaf, then advance the rotation.
 * It does not wait for a repair of the webhook configuration that another writer keeps undoing, since leaf and rotation
 * check themselves what is trusted; nor for a Secret that only an operator can write. The CA Secret is the only record of
 * the rotation, so any process can continue after any write. `steadyForMs` is of {@link holdingConditions} of these facts.
 */
export function nextAction(facts: RotationFacts, steadyForMs: SteadyForMs, policy: RotationPolicy): Action {
  const action = desiredAction(facts, steadyForMs, policy);
  const { ca, serving } = facts.unwritable ?? {};
  const isWritable =
    action.kind === 'write-ca-secret'
      ? ca === undefined
      : action.kind !== 'write-serving-secret' || serving === undefined;
  return isWritable ? action : { kind: 'wait', recheckMs: undefined };
}

function desiredAction(facts: RotationFacts, steadyForMs: SteadyForMs, policy: RotationPolicy): Action {
  const repair = repairCa(facts);
  const { ca, webhook } = facts;
  const isUsable = ca !== undefined && ca.issuing.problem === undefined;
  if (repair !== undefined && !(isUsable && facts.unwritable?.ca !== undefined)) return repair;
  if (ca === undefined) return { kind: 'wait', recheckMs: undefined };
  if (needsRepair(webhook, ca)) {
    return { kind: 'repair-webhook', why: 'it differed from what it has to be', bundle: ca.bundle };
  }
  return leafAction(facts, ca, steadyForMs, policy) ?? rotationAction(facts, ca, steadyForMs, policy);
}

/** Tells whether the webhook configuration differs from what it has to be, and may be written. */
export const needsRepair = (webhook: WebhookFacts, ca: CaSecretFacts): boolean =>
  webhook.unmanagedReason === undefined &&
  (webhook.drifted || !(webhook.isBundleDeferred || isSameList(webhook.trusted ?? [], ca.bundle)));

/** Lists the conditions that are true now, of those that an action waits on for a time. */
export function holdingConditions(facts: RotationFacts): string[] {
  const { webhook, serving } = facts;
  const told = webhook.trusted?.map(trustedCondition) ?? [uncalledCondition];
  const leaf = serving?.leaf.id;
  const isServed = leaf !== undefined && notServing(facts, leaf).length === 0;
  return [...told, ...(isServed ? [servedCondition(leaf)] : [])];
}
