import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

/** Holds a certificate and its private key as PEM, as a TLS Secret does. */
export interface KeyPair {
  certificate: string;
  key: string;
}

/** Holds a key pair as objects of node:crypto. */
export interface ParsedKeyPair {
  certificate: X509Certificate;
  key: KeyObject;
}

/**
 * Parses a key pair; undefined when either is not PEM. It does not check that the two belong together. Certificates are
 * read by node:crypto, never by forge (docs/reference/libraries.md L15).
 */
export function parseKeyPair(pair: KeyPair): ParsedKeyPair | undefined {
  try {
    return { certificate: new X509Certificate(pair.certificate), key: createPrivateKey(pair.key) };
  } catch {
    return undefined;
  }
}

/** Tells whether certificate and key can be parsed and belong together. */
export function isMatchingPair(pair: KeyPair): boolean {
  const parsed = parseKeyPair(pair);
  return parsed?.certificate.checkPrivateKey(parsed.key) === true;
}
