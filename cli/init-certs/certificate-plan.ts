import { joinCaBundle, readBundle } from '#shared/certificates/ca-bundle.ts';
import { caCertificateProblem, leafCertificateProblem } from '#shared/certificates/certificate-problem.ts';
import { servingNames } from '#shared/certificates/serving-names.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { nonEmptySecret, readTlsSecret, type TlsSecretContent } from '#shared/installation/tls-secret.ts';
import { trustedBundle } from '#shared/installation/webhook-configuration.ts';
import type { MutatingWebhookConfiguration } from '#shared/kubernetes/objects/webhook-configurations.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';

/** Holds the three objects as they were read. */
export interface CertificateFacts {
  ca: Secret | undefined;
  serving: Secret | undefined;
  webhook: MutatingWebhookConfiguration | undefined;
}

/** Says what to do about one Secret; `broken` says why the existing one cannot be used. */
export type SecretPlan =
  | { action: 'keep'; stored: TlsSecretContent }
  | { action: 'create' }
  | { action: 'replace'; broken: string };

export interface CertificatePlan {
  ca: SecretPlan;
  serving: SecretPlan;
  /** The CAs that the API server trusts now, as PEM; they stay trusted beside a new one. */
  trusted: string;
}

/** Decides what init-certs does: it keeps whatever works, also when it is due for renewal. */
export function planCertificates(
  facts: CertificateFacts,
  options: { config: LatchkeyConfig; namespace: string; nowMs: number },
): CertificatePlan {
  const { namespace, nowMs } = options;
  const { webhook } = options.config;
  const trusted = trustedBundle(facts.webhook, webhook, namespace) ?? '';
  const ca = planSecret(facts.ca, ({ pair }) => caCertificateProblem(pair, nowMs));
  const bundle = ca.action === 'keep' ? bundleOf(ca.stored, nowMs) : trusted;
  const names = servingNames(webhook, namespace);
  const serving = planSecret(facts.serving, ({ pair }) =>
    leafCertificateProblem(pair, nowMs, readBundle(bundle), names),
  );
  return { ca, serving, trusted };
}

/** Makes the bundle of a CA that is kept; a Secret that an operator brought may lack it. */
export const bundleOf = ({ pair, bundle }: TlsSecretContent, nowMs: number): string =>
  joinCaBundle(pair.certificate, [bundle], nowMs);

function planSecret(
  found: Secret | undefined,
  problem: (stored: TlsSecretContent) => string | undefined,
): SecretPlan {
  const secret = nonEmptySecret(found);
  if (secret === undefined) return { action: 'create' };
  const stored = readTlsSecret(secret);
  const broken = problem(stored);
  return broken === undefined ? { action: 'keep', stored } : { action: 'replace', broken };
}
