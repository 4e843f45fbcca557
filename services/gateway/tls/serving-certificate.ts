import { createPrivateKey, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { certificateId } from '#shared/certificates/ca-bundle.ts';
import { certificateDates, unreadableDates } from '#shared/certificates/certificate-dates.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { type FileContents, readFiles } from '#shared/runtime/file-watch.ts';

/** A serving certificate and the key that belongs to it, as PEM. */
export interface ServingCertificate {
  certificate: string;
  key: string;
  /** Identifies the certificate in heartbeats. */
  fingerprint: string;
  notAfterMs: number;
}

/** Names the files of a mounted TLS Secret. */
export const certificatePaths = (dir: string): { certificate: string; key: string } => ({
  certificate: join(dir, 'tls.crt'),
  key: join(dir, 'tls.key'),
});

/**
 * Checks that certificate and key belong together and that the certificate is valid at `nowMs`. That is done before it is
 * served: `setSecureContext` throws on a key that belongs to another one (docs/reference/libraries.md L9).
 * @throws CERTIFICATE_INVALID when it cannot be served
 */
export function parseServingCertificate(
  contents: FileContents,
  dir: string,
  nowMs: number,
): ServingCertificate {
  const paths = certificatePaths(dir);
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
  const notAfterMs = certificateDates(parsed)?.validToMs;
  if (notAfterMs === undefined) throw refuse(`cannot be served: ${unreadableDates}`);
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

/** Reads the files of a mounted TLS Secret. */
export const readCertificateFiles = (dir: string): Promise<FileContents> =>
  readFiles(Object.values(certificatePaths(dir)));
