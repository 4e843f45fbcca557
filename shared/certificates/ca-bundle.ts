import { X509Certificate } from 'node:crypto';
import { certificateDates } from './certificate-dates.ts';
import { pemCertificates } from './pem-certificates.ts';

/** Identifies a certificate by the SHA-256 of its DER bytes, hex. */
export const certificateId = ({ fingerprint256 }: X509Certificate): string =>
  fingerprint256.replaceAll(':', '').toLowerCase();

/** Parses the certificates of a PEM text; unreadable ones are left out. */
export function readBundle(pem: string): X509Certificate[] {
  return pemCertificates(pem).flatMap((text) => {
    try {
      return [new X509Certificate(text)];
    } catch {
      return [];
    }
  });
}

/** Tells whether a client may still trust a CA; one whose dates cannot be read verifies no certificate. */
export const isCurrentCa = (certificate: X509Certificate, nowMs: number): boolean =>
  certificate.ca && (certificateDates(certificate)?.validToMs ?? 0) > nowMs;

/**
 * Makes the bundle that clients of the gateway trust. It holds the current CA and every earlier or later one that
 * some gateway may serve from, each once, none expired. The order of `others` is kept, so that the same input gives
 * the same bytes (each distinct bundle costs the API server a transport, docs/reference/kube-apiserver.md C4). The
 * current CA comes first unless `others` hold it: in the middle of a rotation the next CA comes first.
 */
export function joinCaBundle(current: string, others: readonly string[], nowMs: number): string {
  const [ca] = readBundle(current);
  if (ca === undefined) return '';
  const trusted = new Map(
    others
      .flatMap(readBundle)
      .filter((certificate) => isCurrentCa(certificate, nowMs))
      .map((certificate) => [certificateId(certificate), certificate]),
  );
  const missing = trusted.has(certificateId(ca)) ? [] : [ca];
  return [...missing, ...trusted.values()].map(String).join('');
}
