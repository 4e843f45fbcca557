import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

const dayMs = 86_400_000;

/** A self-signed certificate and its key, PEM, valid for a day from `nowMs`. */
export function aSelfSignedPair(nowMs: number): { certificate: string; key: string } {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const forgeKey = forge.pki.privateKeyFromPem(key);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.rsa.setPublicKey(forgeKey.n, forgeKey.e);
  certificate.serialNumber = '01';
  certificate.validity.notBefore = new Date(nowMs);
  certificate.validity.notAfter = new Date(nowMs + dayMs);
  certificate.setSubject([{ name: 'commonName', value: 'gateway' }]);
  certificate.setIssuer(certificate.subject.attributes);
  certificate.sign(forgeKey, forge.md.sha256.create());
  return { certificate: forge.pki.certificateToPem(certificate), key };
}
