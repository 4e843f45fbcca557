import { generateKeyPairSync, randomBytes } from 'node:crypto';

/** A DER element; lengths below 64 KiB. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 128) return Buffer.concat([Buffer.from([tag, length]), content]);
  return Buffer.concat([Buffer.from([tag, 0x82, length >> 8, length & 0xff]), content]);
}

const sequence = (...parts: Buffer[]): Buffer => der(0x30, ...parts);
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const none = Buffer.from([0]);
const bits = (content: Buffer): Buffer => der(0x03, none, content);
const signedBy = sequence(hex('06092a864886f70d01010b'), hex('0500'));
const rsaKey = sequence(hex('06092a864886f70d010101'), hex('0500'));
const isCa = der(0xa3, sequence(sequence(hex('0603551d13'), hex('0101ff'), der(4, sequence(hex('0101ff'))))));
const validity = sequence(der(0x17, Buffer.from('250101000000Z')), der(0x18, Buffer.from('20990101000000Z')));
const nameOf = (text: string): Buffer =>
  sequence(der(0x31, sequence(hex('0603550403'), der(0x0c, Buffer.from(text)))));

const keyBytes = 384;

/** A positive number of the size of the key that begins so, odd as a modulus has to be. */
function aNumber(first: number): Buffer {
  const bytes = randomBytes(keyBytes);
  bytes[0] = first;
  bytes[keyBytes - 1] = 1;
  return der(2, ...(first > 0x7f ? [none] : []), bytes);
}

/** An RSA key whose exponent is as long as its modulus: each verification takes OpenSSL 10 ms. */
const aSlowKey = (): Buffer => sequence(rsaKey, bits(sequence(aNumber(0xf0), aNumber(0x70))));

function aCertificate(subject: string, issuer: string, key: Buffer): Buffer {
  const version = der(0xa0, der(2, Buffer.from([2])));
  const serial = der(2, Buffer.from([1]));
  const content = sequence(version, serial, signedBy, nameOf(issuer), validity, nameOf(subject), key, isCa);
  return sequence(content, signedBy, bits(Buffer.concat([Buffer.from([0x10]), randomBytes(keyBytes - 1)])));
}

const pem = (certificate: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;

/** A client certificate, its key, and `count` certificates behind it that nobody has signed, 1.3 KB each. */
export function anEndlessChain(count: number): { cert: string; key: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const leaf = aCertificate('leaf', 'ca 0', publicKey.export({ type: 'spki', format: 'der' }));
  const chain = Array.from({ length: count }, (_, at) =>
    aCertificate(`ca ${at}`, `ca ${at + 1}`, aSlowKey()),
  );
  return {
    cert: [leaf, ...chain].map(pem).join(''),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
