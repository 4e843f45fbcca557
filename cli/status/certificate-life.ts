import { X509Certificate } from 'node:crypto';
import { certificateId } from '#shared/certificates/ca-bundle.ts';
import { notBeforeMarginMs } from '#shared/certificates/issue-certificate.ts';
import { describeTime, type Problem } from './finding.ts';

/** How long a certificate lives, ms since the Unix epoch. */
export interface CertificateLife {
  fingerprint: string;
  validToMs: number;
  renewalMs: number;
}

/** @param renewAt fraction of its life after which it is renewed; undefined for a text that is no certificate */
export function certificateLife(pem: string, renewAt: number): CertificateLife | undefined {
  try {
    const certificate = new X509Certificate(pem);
    const { validFrom, validTo } = certificate;
    const madeMs = Date.parse(validFrom) + notBeforeMarginMs;
    const validToMs = Date.parse(validTo);
    return {
      fingerprint: certificateId(certificate),
      validToMs,
      renewalMs: madeMs + (validToMs - madeMs) * renewAt,
    };
  } catch {
    return undefined;
  }
}

/** cert-manager looks at the time once a minute. */
const renewalDelayMs = 3_600_000;

/** The renewal that did not happen, if so. @param keeper who has to renew it */
export function overdue({ renewalMs }: CertificateLife, nowMs: number, keeper: string): Problem[] {
  if (nowMs < renewalMs + renewalDelayMs) return [];
  return [
    {
      message: `its renewal was due on ${describeTime(renewalMs, nowMs)}`,
      advice: `see why ${keeper} does not renew it`,
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
