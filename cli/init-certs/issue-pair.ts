import { joinCaBundle } from '#shared/certificates/ca-bundle.ts';
import {
  generateRsaKeys,
  issueCaCertificate,
  issueLeafCertificate,
} from '#shared/certificates/issue-certificate.ts';
import { servingNames } from '#shared/certificates/serving-names.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { TlsSecretContent } from '#shared/installation/tls-secret.ts';

const dayMs = 86_400_000;

/** Holds what a key pair is issued for. */
export interface IssuePairOptions {
  config: LatchkeyConfig;
  namespace: string;
  nowMs: number;
}

/** Issues a new CA; those in `trusted` (PEM) stay trusted beside it. */
export async function newCa(
  { config: { tls }, nowMs }: IssuePairOptions,
  trusted: string,
): Promise<TlsSecretContent> {
  const pair = issueCaCertificate(await generateRsaKeys(tls.keyBits), nowMs, tls.caLifetimeDays * dayMs);
  return { pair, bundle: joinCaBundle(pair.certificate, [trusted], nowMs) };
}

/** Issues a new serving certificate of the CA. */
export async function newLeaf(
  { config: { tls, webhook }, namespace, nowMs }: IssuePairOptions,
  ca: TlsSecretContent,
): Promise<TlsSecretContent> {
  const names = servingNames(webhook, namespace);
  const keys = await generateRsaKeys(tls.keyBits);
  const pair = issueLeafCertificate(keys, ca.pair, names, nowMs, tls.leafLifetimeDays * dayMs);
  return { pair, bundle: ca.bundle };
}
