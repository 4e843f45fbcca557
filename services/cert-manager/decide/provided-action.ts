import { notServing } from './not-serving.ts';
import { isSameList } from './repair-ca.ts';
import { type ActionOf, type RotationFacts, type SteadyForMs, servedCondition } from './rotation-facts.ts';

/** Is the action for a provided certificate: only the webhook configuration is ours to write. */
export type ProvidedAction =
  | ActionOf<'repair-webhook'>
  | { kind: 'wait'; recheckMs: number | undefined; problem: string | undefined };

const pollMs = 2_000;

/**
 * Makes the bundle of the webhook configuration follow the `ca.crt` of the provided Secret. A new CA is added at once; an
 * old one is removed when every endpoint has reported the current leaf for `connectionWaitMs`. A Secret that cannot be
 * used changes nothing: `problem` says why.
 */
export function providedAction(
  facts: Pick<RotationFacts, 'serving' | 'webhook' | 'endpoints'>,
  steadyForMs: SteadyForMs,
  connectionWaitMs: number,
): ProvidedAction {
  const { serving, webhook } = facts;
  const problem = problemOf(serving);
  const leaf = serving?.leaf.id ?? '';
  const isSettled =
    notServing(facts, leaf).length === 0 && steadyForMs(servedCondition(leaf)) >= connectionWaitMs;
  const bundle =
    problem === undefined
      ? withEarlier(serving?.bundle ?? [], isSettled ? [] : webhook.current)
      : webhook.current;
  const isTrusted = webhook.isBundleDeferred || isSameList(webhook.trusted ?? [], bundle);
  const isRight = !webhook.drifted && isTrusted;
  if (webhook.unmanagedReason === undefined && bundle.length > 0 && !isRight) {
    return { kind: 'repair-webhook', why: 'it differed from what it has to be', bundle };
  }
  return { kind: 'wait', recheckMs: isSettled ? undefined : pollMs, problem };
}

function problemOf(serving: RotationFacts['serving']): string | undefined {
  if (serving === undefined) return 'there is no such Secret';
  if (serving.bundle.length === 0) return 'its ca.crt holds no certificate';
  return serving.leaf.problem;
}

const withEarlier = (bundle: readonly string[], earlier: readonly string[]): string[] => [
  ...new Set([...bundle, ...earlier]),
];
