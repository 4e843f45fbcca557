import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

/** A certificate and its private key as PEM, the form in which they are stored. */
export interface CertificatePair {
  certificate: string;
  key: string;
}

/** The same, read. */
export interface ParsedPair {
  certificate: X509Certificate;
  key: KeyObject;
}

/**
 * Reads a pair; undefined when either is not PEM. Says nothing of whether the two belong together. Certificates are
 * read by node:crypto, never by forge (docs/reference/libraries.md L15).
 */
export function parsePair(pair: CertificatePair): ParsedPair | undefined {
  try {
    return { certificate: new X509Certificate(pair.certificate), key: createPrivateKey(pair.key) };
  } catch {
    return undefined;
  }
}

/** Whether certificate and key can be read and belong together. */
export function isWholePair(pair: CertificatePair): boolean {
  const parsed = parsePair(pair);
  return parsed?.certificate.checkPrivateKey(parsed.key) === true;
}
