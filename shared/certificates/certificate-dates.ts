import type { X509Certificate } from 'node:crypto';
import { notBeforeMarginMs } from './issue-certificate.ts';

/** Holds the times of a certificate, ms since the Unix epoch. */
export interface CertificateDates {
  validFromMs: number;
  validToMs: number;
  /** When it was made, as far as we made it: it is valid from a margin before. */
  madeMs: number;
}

/**
 * Reads both dates of a certificate; undefined when either cannot be read. OpenSSL parses a certificate with a month 99,
 * whose date is `Bad time value`, and every comparison with the NaN of it is false.
 */
export function certificateDates({ validFrom, validTo }: X509Certificate): CertificateDates | undefined {
  const validFromMs = Date.parse(validFrom);
  const validToMs = Date.parse(validTo);
  if (Number.isNaN(validFromMs) || Number.isNaN(validToMs)) return undefined;
  return { validFromMs, validToMs, madeMs: validFromMs + notBeforeMarginMs };
}

/** Says of a certificate without readable dates what is wrong with it. */
export const unreadableDates = 'its dates cannot be read';
