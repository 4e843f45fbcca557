import { createHash, X509Certificate } from 'node:crypto';
import { pemCertificates } from '#shared/core/pem-certificates.ts';

/** SHA-256 of the DER bytes, hex: how heartbeats and states name a certificate. */
export const certificateId = ({ raw }: X509Certificate): string =>
  createHash('sha256').update(raw).digest('hex');

/** The certificates of a PEM text that can be read; the others are left out. */
export function readBundle(pem: string): X509Certificate[] {
  return pemCertificates(pem).flatMap((text) => {
    try {
      return [new X509Certificate(text)];
    } catch {
      return [];
    }
  });
}

/**
 * The bundle that clients of the gateway trust: the current authority first, then every earlier one that some gateway
 * may still be serving from. Each once, none that has expired; the order of the earlier ones is kept, so that the same
 * input gives the same bytes (each distinct bundle costs the API server a transport, apiserver-contract.md C4).
 */
export function joinBundle(current: string, earlier: readonly string[], nowMs: number): string {
  const [first] = readBundle(current);
  if (first === undefined) return '';
  const authorities = new Map([[first.fingerprint256, first]]);
  for (const certificate of earlier.flatMap(readBundle)) {
    if (!certificate.ca || Date.parse(certificate.validTo) <= nowMs) continue;
    if (!authorities.has(certificate.fingerprint256))
      authorities.set(certificate.fingerprint256, certificate);
  }
  return [...authorities.values()].map((certificate) => certificate.toString()).join('');
}
