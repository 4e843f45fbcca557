import { joinBundle } from '#shared/certificates/ca-bundle.ts';
import { generateRsaKeys, issueAuthority, issueLeaf } from '#shared/certificates/issue-certificate.ts';
import { servingNames } from '#shared/certificates/serving-names.ts';
import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import type { StoredPair } from '#shared/installation/tls-secret.ts';

const dayMs = 86_400_000;

/** What a pair is made for. */
export interface IssueOptions {
  config: LatchkeyConfig;
  namespace: string;
  nowMs: number;
}

/** Makes a new authority; those of `trusted` (PEM) stay trusted beside it. */
export async function newAuthority(
  { config: { tls }, nowMs }: IssueOptions,
  trusted: string,
): Promise<StoredPair> {
  const pair = issueAuthority(await generateRsaKeys(tls.keyBits), nowMs, tls.caLifetimeDays * dayMs);
  return { pair, bundle: joinBundle(pair.certificate, [trusted], nowMs) };
}

/** Makes a new serving certificate of the authority. */
export async function newLeaf(
  { config: { tls, webhook }, namespace, nowMs }: IssueOptions,
  authority: StoredPair,
): Promise<StoredPair> {
  const names = servingNames(webhook, namespace);
  const keys = await generateRsaKeys(tls.keyBits);
  const pair = issueLeaf(keys, authority.pair, names, nowMs, tls.leafLifetimeDays * dayMs);
  return { pair, bundle: authority.bundle };
}
