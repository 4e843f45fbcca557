import { createPrivateKey, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { certificateId } from '#shared/certificates/ca-bundle.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { type FileContents, readFiles } from '#shared/runtime/file-watch.ts';

/** A leaf and its key that belong together, as PEM. */
export interface CertificatePair {
  certificate: string;
  key: string;
  /** Id of the certificate, which heartbeats report. */
  fingerprint: string;
  notAfterMs: number;
}

/** Files of a mounted TLS Secret. */
export const pairPaths = (dir: string): { certificate: string; key: string } => ({
  certificate: join(dir, 'tls.crt'),
  key: join(dir, 'tls.key'),
});

/**
 * Checks that certificate and key belong together and that the certificate is valid at `nowMs`.
 * A pair is checked before it is served: `setSecureContext` throws on a torn one (docs/reference/libraries.md L9).
 * @throws LatchkeyError CERTIFICATE_INVALID
 */
export function parsePair(contents: FileContents, dir: string, nowMs: number): CertificatePair {
  const paths = pairPaths(dir);
  const certificate = contents.get(paths.certificate);
  const key = contents.get(paths.key);
  const refuse = (what: string, cause?: unknown): LatchkeyError =>
    new LatchkeyError('CERTIFICATE_INVALID', `The serving certificate in ${dir} ${what}.`, { cause });
  if (certificate === undefined || key === undefined) {
    throw refuse('is missing: cert-manager writes it into the Secret that is mounted there');
  }
  const parsed = readCertificate(certificate, refuse);
  if (!parsed.checkPrivateKey(readKey(key, refuse))) {
    throw refuse('does not belong to the key beside it: the pair before it stays in use');
  }
  const notAfterMs = Date.parse(parsed.validTo);
  if (notAfterMs <= nowMs) throw refuse(`expired at ${parsed.validTo}`);
  return {
    certificate: certificate.toString('utf8'),
    key: key.toString('utf8'),
    fingerprint: certificateId(parsed),
    notAfterMs,
  };
}

function readCertificate(
  pem: Buffer,
  refuse: (what: string, cause: unknown) => LatchkeyError,
): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw refuse('is not a PEM certificate', cause);
  }
}

function readKey(pem: Buffer, refuse: (what: string, cause: unknown) => LatchkeyError) {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw refuse('has a key beside it that is not a PEM key', cause);
  }
}

/** Reads the pair's files as they are now. */
export const readPairFiles = (dir: string): Promise<FileContents> => readFiles(Object.values(pairPaths(dir)));
