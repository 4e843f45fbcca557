import { notServing } from './not-serving.ts';
import { isSameList } from './repair-ca.ts';
import { type Facts, type SteadyForMs, type Step, serve } from './rotation-facts.ts';

/** What a certificate that others provide asks for: only the webhook configuration is ours to write. */
export type ProvidedStep =
  | Extract<Step, { write: 'webhook' }>
  | { write: undefined; recheckMs: number | undefined; problem: string | undefined };

const pollMs = 2_000;

/**
 * Lets the bundle of the API server follow the `ca.crt` of the provided Secret: a new CA is added at once, an old one
 * goes when every endpoint has reported the current leaf for `connectionWaitMs`. A Secret that cannot be right changes
 * nothing: `problem` says why.
 */
export function providedStep(
  facts: Pick<Facts, 'serving' | 'webhook' | 'endpoints'>,
  steadyForMs: SteadyForMs,
  connectionWaitMs: number,
): ProvidedStep {
  const { serving, webhook } = facts;
  const problem = problemOf(serving);
  const leaf = serving?.leaf.id ?? '';
  const isSettled = notServing(facts, leaf).length === 0 && steadyForMs(serve(leaf)) >= connectionWaitMs;
  const bundle =
    problem === undefined
      ? withEarlier(serving?.bundle ?? [], isSettled ? [] : webhook.current)
      : webhook.current;
  const isTrusted = webhook.isBundleDeferred || isSameList(webhook.trusted ?? [], bundle);
  const isRight = !webhook.drifted && isTrusted;
  if (webhook.unmanagedReason === undefined && bundle.length > 0 && !isRight) {
    return { write: 'webhook', why: 'it differed from what it has to be', bundle };
  }
  return { write: undefined, recheckMs: isSettled ? undefined : pollMs, problem };
}

function problemOf(serving: Facts['serving']): string | undefined {
  if (serving === undefined) return 'there is no such Secret';
  if (serving.bundle.length === 0) return 'its ca.crt holds no certificate';
  return serving.leaf.problem;
}

const withEarlier = (bundle: readonly string[], earlier: readonly string[]): string[] => [
  ...new Set([...bundle, ...earlier]),
];
