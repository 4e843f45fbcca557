import { X509Certificate } from 'node:crypto';
import { pemCertificates } from './pem-certificates.ts';

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
 * The bundle that clients of the gateway trust: the current CA and every earlier or later one that some gateway
 * may serve from. Each once, none that has expired. The order of `others` is kept, so that the same input gives the same
 * bytes (each distinct bundle costs the API server a transport, docs/reference/kube-apiserver.md C4); the current
 * CA comes first unless they name it: in the middle of a rotation the next one does.
 */
export function joinBundle(current: string, others: readonly string[], nowMs: number): string {
  const [ca] = readBundle(current);
  if (ca === undefined) return '';
  const isTrusted = ({ ca, validTo }: X509Certificate): boolean => ca && Date.parse(validTo) > nowMs;
  const trusted = new Map(
    others
      .flatMap(readBundle)
      .filter(isTrusted)
      .map((certificate) => [certificateId(certificate), certificate]),
  );
  const missing = trusted.has(certificateId(ca)) ? [] : [ca];
  return [...missing, ...trusted.values()].map(String).join('');
}
