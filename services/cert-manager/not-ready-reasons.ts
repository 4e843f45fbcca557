import type { CertificateStatus } from './certificate-source.ts';
import type { UndoneRepair } from './observe/webhook-repairs.ts';

/** Holds what the readiness of a cert-manager depends on. */
export interface CertificateFacts {
  /** Why the last reconciliation failed. */
  failure: string | undefined;
  hasReconciled: boolean;
  /** Whether others make what is missing; with webhook.manage alone it is a choice (webhook.adopt). */
  dependsOnOthers: boolean;
  /** As of the last reconciliation. */
  status:
    | Pick<CertificateStatus, 'isCalled' | 'problems' | 'unwritable' | 'unmanagedReason' | 'undone'>
    | undefined;
}

/** Says why a cert-manager is not ready, one sentence each. */
export function notReadyReasons(facts: CertificateFacts): string[] {
  if (facts.failure !== undefined) return [facts.failure];
  if (!facts.hasReconciled) return ['the Secrets and the webhook configuration have not been read yet'];
  return [...(facts.status?.unwritable ?? []), ...(isMissing(facts) ? flaws(facts) : [])];
}

/** Says what is wrong although the cert-manager may be ready, one sentence each. */
export const remarks = (facts: CertificateFacts): string[] => (isMissing(facts) ? [] : flaws(facts));

/** Tells whether an object of others leaves a part missing. */
const isMissing = ({ status, dependsOnOthers }: CertificateFacts): boolean =>
  status?.isCalled !== true && dependsOnOthers;

const flaws = ({ status }: CertificateFacts): string[] => [
  ...(status?.problems ?? []),
  ...[status?.unmanagedReason ?? []].flat(),
  ...(status?.undone ?? []).map(describeUndone),
];

const describeUndone = ({ field, count, writer }: UndoneRepair): string =>
  `the repair of ${field} of the webhook configuration was undone ${count - 1} times${writer === undefined ? '' : ` by ${writer}`}`;
