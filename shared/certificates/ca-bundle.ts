import { X509Certificate } from 'node:crypto';
import { pemCertificates } from '#shared/core/pem-certificates.ts';

/** SHA-256 of the DER bytes, hex: how everything here names a certificate and tells two apart. */
export const certificateId = ({ fingerprint256 }: X509Certificate): string =>
  fingerprint256.replaceAll(':', '').toLowerCase();

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
  const isTrusted = ({ ca, validTo }: X509Certificate): boolean => ca && Date.parse(validTo) > nowMs;
  const trusted = [first, ...earlier.flatMap(readBundle).filter(isTrusted)];
  const authorities = new Map(trusted.map((certificate) => [certificateId(certificate), certificate]));
  return [...authorities.values()].map(String).join('');
}
