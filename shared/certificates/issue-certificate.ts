import { generateKeyPair, randomBytes, sign as signBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import forge from 'node-forge';
import type { KeyPair } from './key-pair.ts';

/** Holds RSA keys as PEM. */
export interface RsaKeys {
  privateKey: string;
  publicKey: string;
}

/** Generates RSA keys on a thread of the pool: forge's own generator blocks for a quarter of a second. */
export const generateRsaKeys = (bits: number): Promise<RsaKeys> =>
  promisify(generateKeyPair)('rsa', {
    modulusLength: bits,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

/** Backdates each certificate by an hour, since the clocks of nodes differ. */
export const notBeforeMarginMs = 3_600_000;

/**
 * Creates a serial number of 16 random bytes as hex, the first 0x01 to 0x7f. forge writes the bytes as they are, and
 * Go rejects a certificate whose top bit makes the number negative.
 */
export function createSerialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = 1 + (bytes.readUInt8(0) % 0x7f);
  return bytes.toString('hex');
}

/**
 * Issues a self-signed CA certificate. Each has a common name of its own, so that two CAs in one bundle are never
 * confused. `lifetimeMs` counts from `nowMs`.
 */
export function issueCaCertificate(keys: RsaKeys, nowMs: number, lifetimeMs: number): KeyPair {
  const subject = [{ name: 'commonName', value: `latchkey CA ${randomBytes(6).toString('hex')}` }];
  const certificate = aCertificate(keys, nowMs, nowMs + lifetimeMs);
  certificate.setSubject(subject);
  certificate.setIssuer(subject);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  return sign(certificate, keys.privateKey, keys.privateKey);
}

/**
 * Issues a serving certificate for the names (DNS names or IP addresses), signed by the CA. It never outlives the CA.
 * `authorityKeyIdentifier: true` of forge would name the leaf's own key, so the issuer's is given.
 */
export function issueLeafCertificate(
  keys: RsaKeys,
  ca: KeyPair,
  names: readonly string[],
  nowMs: number,
  lifetimeMs: number,
): KeyPair {
  const issuer = forge.pki.certificateFromPem(ca.certificate);
  const notAfterMs = Math.min(nowMs + lifetimeMs, issuer.validity.notAfter.getTime());
  const certificate = aCertificate(keys, nowMs, notAfterMs);
  certificate.setSubject([{ name: 'commonName', value: 'latchkey gateway' }]);
  certificate.setIssuer(issuer.subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: subjectKeyIdentifierOf(issuer) },
    { name: 'subjectAltName', altNames: names.map(altNameOf) },
  ]);
  return sign(certificate, keys.privateKey, ca.key);
}

function aCertificate(keys: RsaKeys, nowMs: number, notAfterMs: number): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(keys.publicKey);
  certificate.serialNumber = createSerialNumber();
  certificate.validity.notBefore = new Date(nowMs - notBeforeMarginMs);
  certificate.validity.notAfter = new Date(notAfterMs);
  return certificate;
}

/** Signs with node:crypto: forge's own RSA takes 30 ms of the only thread, this one 1 ms. */
function sign(certificate: forge.pki.Certificate, ownKey: string, issuerKey: string): KeyPair {
  const signTbs = (): string =>
    signBytes(
      'sha256',
      Buffer.from(forge.asn1.toDer(certificate.tbsCertificate).getBytes(), 'binary'),
      issuerKey,
    ).toString('binary');
  certificate.sign({ ...forge.pki.privateKeyFromPem(issuerKey), sign: signTbs }, forge.md.sha256.create());
  return { certificate: toPem(certificate), key: ownKey };
}

const toPem = (certificate: forge.pki.Certificate): string =>
  forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n');

/**
 * Reads the key identifier from the issuer's certificate: a CA that an operator brought may compute it in another
 * way.
 */
function subjectKeyIdentifierOf(issuer: forge.pki.Certificate): string {
  const extension: unknown = issuer.getExtension('subjectKeyIdentifier');
  if (typeof extension === 'object' && extension !== null && 'subjectKeyIdentifier' in extension) {
    return forge.util.hexToBytes(String(extension.subjectKeyIdentifier));
  }
  return issuer.generateSubjectKeyIdentifier().getBytes();
}

/** Makes a GeneralName of RFC 5280: 2 = dNSName, 7 = iPAddress. */
const altNameOf = (name: string): Record<string, unknown> =>
  isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name };
