import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';

/** SEQUENCE of two times of 13 characters (UTCTime), which is how the validity of a certificate begins. */
const validity = Buffer.from([0x30, 0x1e, 0x17, 0x0d]);
const endAt = validity.length + 15;

/** The pair with a month 99 in one of the dates of its certificate, which OpenSSL parses all the same. */
export function withUnreadableDate<Pair extends { certificate: string }>(
  pair: Pair,
  which: 'notBefore' | 'notAfter',
): Pair {
  const der = Buffer.from(new X509Certificate(pair.certificate).raw);
  const at = der.indexOf(validity);
  assert.ok(at >= 0);
  der.write('269901000000Z', at + (which === 'notBefore' ? validity.length : endAt), 'latin1');
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  const certificate = `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
  return { ...pair, certificate };
}
