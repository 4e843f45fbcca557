import { X509Certificate } from 'node:crypto';
import { certificateId } from '#shared/certificates/ca-bundle.ts';
import { certificateDates } from '#shared/certificates/certificate-dates.ts';
import { describeTime, type Problem } from './finding.ts';

/** Describes the life of a certificate, ms since the Unix epoch. */
export interface CertificateLife {
  fingerprint: string;
  validToMs: number;
  renewalMs: number;
}

/**
 * Reads the life of a certificate; undefined for a text that is no certificate, or one without readable dates.
 * @param renewAt fraction of its life after which it is renewed
 */
export function certificateLife(pem: string, renewAt: number): CertificateLife | undefined {
  try {
    const certificate = new X509Certificate(pem);
    const dates = certificateDates(certificate);
    if (dates === undefined) return undefined;
    const { madeMs, validToMs } = dates;
    return {
      fingerprint: certificateId(certificate),
      validToMs,
      renewalMs: madeMs + (validToMs - madeMs) * renewAt,
    };
  } catch {
    return undefined;
  }
}

/** Allows cert-manager this time for a renewal that is due; it checks once a minute. */
const renewalDelayMs = 3_600_000;

/**
 * Reports a renewal that did not happen.
 * @param keeper who has to renew the certificate
 */
export function overdue({ renewalMs }: CertificateLife, nowMs: number, keeper: string): Problem[] {
  if (nowMs < renewalMs + renewalDelayMs) return [];
  return [
    {
      message: `its renewal was due on ${describeTime(renewalMs, nowMs)}`,
      advice: `check why ${keeper} does not renew it`,
    },
  ];
}

export const describeLife = ({ fingerprint, validToMs, renewalMs }: CertificateLife, nowMs: number): string =>
  `${fingerprint.slice(0, 16)}, valid until ${describeTime(validToMs, nowMs)}, renewed from ${new Date(renewalMs).toISOString().slice(0, 10)} on`;

export const lifeFacts = ({ fingerprint, validToMs, renewalMs }: CertificateLife) => ({
  fingerprint,
  validTo: new Date(validToMs).toISOString(),
  renewalDue: new Date(renewalMs).toISOString(),
});
