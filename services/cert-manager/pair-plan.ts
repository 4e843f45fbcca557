import { X509Certificate } from 'node:crypto';
import { isDueForRenewal } from '#shared/certificates/certificate-checks.ts';
import type { CertificatePair } from '#shared/certificates/certificate-pair.ts';

/**
 * What to do about one pair. `keep`: the stored one serves; `restore`: write the one in memory; `issue`: make a new one.
 * `broken` says why a stored pair is refused; it is for an operator, who may have edited it.
 */
export type PairPlan =
  | { action: 'keep' | 'restore'; pair: CertificatePair; broken?: string }
  | { action: 'issue'; reason: string; broken?: string };

/**
 * Decides between the stored pair, the last good one in memory (`held`) and a new one. A stored pair that is usable
 * always wins, also over memory: an operator may bring an authority. A pair that is due is kept until a new one exists.
 */
export function planPair(input: {
  stored: CertificatePair | undefined;
  held: CertificatePair | undefined;
  nowMs: number;
  problem: (pair: CertificatePair) => string | undefined;
}): PairPlan {
  const { stored, held, nowMs, problem } = input;
  const storedProblem = stored === undefined ? undefined : problem(stored);
  const broken = storedProblem === undefined ? {} : { broken: storedProblem };
  const serves = (pair: CertificatePair): boolean =>
    problem(pair) === undefined && !isDueForRenewal(pair, nowMs);

  if (stored !== undefined && serves(stored)) return { action: 'keep', pair: stored };
  if (held !== undefined && serves(held)) return { action: 'restore', pair: held, ...broken };
  const reason =
    storedProblem ?? (stored === undefined ? 'there is none' : 'two thirds of its life are over');
  return { action: 'issue', reason, ...broken };
}

/** For the log: what was decided and why, and until when the result holds. */
export function describePlan(plan: PairPlan, { certificate }: CertificatePair): Record<string, string> {
  const { validTo, fingerprint256 } = new X509Certificate(certificate);
  const reason = plan.action === 'issue' ? plan.reason : (plan.broken ?? 'it differed');
  return { action: plan.action, reason, validTo, fingerprint: fingerprint256 };
}
