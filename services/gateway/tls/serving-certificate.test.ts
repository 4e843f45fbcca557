import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aSelfSignedPair } from '#testkit/certificates/self-signed-pair.ts';
import { withUnreadableDate } from '#testkit/certificates/with-unreadable-date.ts';
import { certificatePaths, parseServingCertificate } from './serving-certificate.ts';

const dir = '/etc/latchkey/tls';
const nowMs = Date.UTC(2026, 0, 1);
const dayMs = 86_400_000;

const filesOf = ({ certificate, key }: { certificate?: string; key?: string }): Map<string, Buffer> => {
  const paths = certificatePaths(dir);
  const files = new Map<string, Buffer>();
  if (certificate !== undefined) files.set(paths.certificate, Buffer.from(certificate));
  if (key !== undefined) files.set(paths.key, Buffer.from(key));
  return files;
};

const first = aSelfSignedPair(nowMs);
const second = aSelfSignedPair(nowMs);

test('a certificate and its key are a pair', () => {
  const pair = parseServingCertificate(filesOf(first), dir, nowMs);
  assert.equal(pair.notAfterMs, nowMs + dayMs);
  assert.match(pair.fingerprint, /^[0-9a-f]{64}$/);
});

test('a torn pair, a missing file, garbage, an expired certificate and unreadable dates are each refused with a reason', () => {
  const cases: [Map<string, Buffer>, number, RegExp][] = [
    [filesOf({ certificate: first.certificate, key: second.key }), nowMs, /does not belong to the key/],
    [filesOf({ certificate: first.certificate }), nowMs, /is missing/],
    [filesOf({ certificate: 'garbage', key: first.key }), nowMs, /not a PEM certificate/],
    [filesOf({ certificate: first.certificate, key: 'garbage' }), nowMs, /not a PEM key/],
    [filesOf(first), nowMs + dayMs, /expired/],
    [filesOf(withUnreadableDate(first, 'notBefore')), nowMs, /dates cannot be read/],
    [filesOf(withUnreadableDate(first, 'notAfter')), nowMs, /dates cannot be read/],
  ];
  for (const [files, atMs, reason] of cases) {
    assert.throws(() => parseServingCertificate(files, dir, atMs), {
      code: 'CERTIFICATE_INVALID',
      message: reason,
    });
  }
});

test('an error never quotes the key', () => {
  const torn = filesOf({ certificate: 'garbage', key: first.key });
  assert.throws(
    () => parseServingCertificate(torn, dir, nowMs),
    (err) => !String(err).includes('PRIVATE KEY'),
  );
});
