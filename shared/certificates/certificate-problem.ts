import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { certificateDates, unreadableDates } from './certificate-dates.ts';
import { type KeyPair, type ParsedKeyPair, parseKeyPair } from './key-pair.ts';

/** Holds what a check compares. */
interface CheckInput extends ParsedKeyPair {
  nowMs: number;
  /** For a leaf: the CAs of which one must have signed it. */
  issuers: readonly X509Certificate[];
  /** For a leaf: the names that it must cover. */
  names: readonly string[];
}

/** Returns why a key pair fails, or undefined. */
type Check = (input: CheckInput) => string | undefined;

const keyMismatch: Check = ({ certificate, key }) =>
  certificate.checkPrivateKey(key) ? undefined : 'the key does not belong to the certificate';

const undated: Check = ({ certificate }) =>
  certificateDates(certificate) === undefined ? unreadableDates : undefined;

const notYetValid: Check = ({ certificate, nowMs }) =>
  (certificateDates(certificate)?.validFromMs ?? 0) > nowMs
    ? `it is not valid before ${certificate.validFrom}`
    : undefined;

const expired: Check = ({ certificate, nowMs }) =>
  (certificateDates(certificate)?.validToMs ?? 0) <= nowMs
    ? `it expired on ${certificate.validTo}`
    : undefined;

const notCa: Check = ({ certificate }) => (certificate.ca ? undefined : 'it is not a certificate ca');

/** Rejects other keys than RSA: forge signs with RSA only. */
const notRsa: Check = ({ key }) =>
  key.asymmetricKeyType === 'rsa' ? undefined : 'its key is not an RSA key';

const wrongIssuer: Check = ({ certificate, issuers }) =>
  issuers.some((issuer) => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey))
    ? undefined
    : 'it was not signed by the current ca';

const missingName: Check = ({ certificate, names }) => {
  const covers = (name: string): boolean =>
    (isIP(name) === 0 ? certificate.checkHost(name, { subject: 'never' }) : certificate.checkIP(name)) !==
    undefined;
  const missing = names.filter((name) => !covers(name));
  return missing.length === 0 ? undefined : `it does not cover ${missing.join(', ')}`;
};

/** Lists the checks in the order of their messages; later ones rely on earlier ones. */
const caChecks: readonly Check[] = [keyMismatch, notCa, notRsa, undated, expired];
const leafChecks: readonly Check[] = [keyMismatch, undated, notYetValid, expired, wrongIssuer, missingName];

function firstProblem(
  checks: readonly Check[],
  pair: KeyPair,
  rest: Omit<CheckInput, keyof ParsedKeyPair>,
): string | undefined {
  const parsed = parseKeyPair(pair);
  if (parsed === undefined) return 'certificate or key is not PEM';
  for (const check of checks) {
    const problem = check({ ...parsed, ...rest });
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Returns why a key pair cannot be the CA now, or undefined. */
export const caCertificateProblem = (pair: KeyPair, nowMs: number): string | undefined =>
  firstProblem(caChecks, pair, { nowMs, issuers: [], names: [] });

/** Returns why a key pair cannot be served now, or undefined. */
export const leafCertificateProblem = (
  pair: KeyPair,
  nowMs: number,
  issuers: readonly X509Certificate[],
  names: readonly string[],
): string | undefined => firstProblem(leafChecks, pair, { nowMs, issuers, names });

/** Tells whether the fraction `renewAt` of a certificate's life has passed, by the wall clock. */
export function isDueForRenewal(pair: KeyPair, nowMs: number, renewAt: number): boolean {
  const certificate = parseKeyPair(pair)?.certificate;
  if (certificate === undefined) return false;
  const dates = certificateDates(certificate);
  if (dates === undefined) return true;
  const { madeMs, validToMs } = dates;
  return nowMs >= madeMs + (validToMs - madeMs) * renewAt;
}

/**
 * Returns why a usable CA should be rotated, or undefined. A CA that is not valid yet is rotated and not dropped at
 * once, since it is unknown whose clock is wrong.
 */
export function renewalReason(pair: KeyPair, nowMs: number, renewAt: number): string | undefined {
  const parsed = parseKeyPair(pair);
  if (parsed === undefined) return undefined;
  const early = notYetValid({ ...parsed, nowMs, issuers: [], names: [] });
  return early ?? (isDueForRenewal(pair, nowMs, renewAt) ? 'it is due for renewal' : undefined);
}
