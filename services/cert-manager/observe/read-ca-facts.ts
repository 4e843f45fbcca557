import { certificateId, readBundle } from '#shared/certificates/ca-bundle.ts';
import { caCertificateProblem, renewalReason } from '#shared/certificates/certificate-problem.ts';
import { type KeyPair, parseKeyPair } from '#shared/certificates/key-pair.ts';
import { readWritableCaRotationState, requestOf } from '#shared/installation/read-rotation-state.ts';
import { isConformant, readTlsSecret } from '#shared/installation/tls-secret.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';
import type { CaFact, CaSecretFacts } from '../decide/rotation-facts.ts';

/** Names the keys of the next CA, beside those of a TLS Secret. */
export const nextKeys = { certificate: 'next.crt', key: 'next.key' };

/** Reads the key pairs of a CA Secret; either may be corrupt. */
export function readCaPairs(secret: Secret): { issuing: KeyPair; next: KeyPair | undefined } {
  const text = (key: string): string => Buffer.from(secret.data?.[key] ?? '', 'base64').toString('utf8');
  const next = { certificate: text(nextKeys.certificate), key: text(nextKeys.key) };
  return { issuing: readTlsSecret(secret).pair, next: next.certificate === '' ? undefined : next };
}

/** Reads the facts of the CA Secret at one moment. `renewAt` is a fraction of a CA's life. */
export function readCaFacts(secret: Secret, nowMs: number, renewAt: number): CaSecretFacts {
  const { issuing, next } = readCaPairs(secret);
  const { bundle } = readTlsSecret(secret);
  const cas = readBundle(bundle).filter(({ ca }) => ca);
  const factOf = (pair: KeyPair): CaFact => ({
    id: keyPairId(pair),
    problem: caCertificateProblem(pair, nowMs),
    due: renewalReason(pair, nowMs, renewAt),
  });
  return {
    issuing: factOf(issuing),
    next: next && factOf(next),
    bundle: cas.map(certificateId),
    state: readWritableCaRotationState(secret),
    request: requestOf(secret),
    isConformant: isConformant(secret) && bundle === cas.map(String).join(''),
  };
}

/** Returns the id of a key pair's certificate; empty when it is corrupt. */
export function keyPairId(pair: KeyPair): string {
  const parsed = parseKeyPair(pair);
  return parsed === undefined ? '' : certificateId(parsed.certificate);
}
