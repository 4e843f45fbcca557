import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { joinCaBundle } from '#shared/certificates/ca-bundle.ts';
import {
  generateRsaKeys,
  issueCaCertificate,
  issueLeafCertificate,
} from '#shared/certificates/issue-certificate.ts';
import { servingNames } from '#shared/certificates/serving-names.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { cacheFolder } from '#tools/cache-folder.ts';
import { buildGoProgram } from '#tools/go-program.ts';
import { createProgress } from '#tools/progress.ts';

const dayMs = 86_400_000;
const { webhook } = latchkeyConfigSchema.parse({ webhook: { url: 'https://[::1]:9443' } });
const names = servingNames(webhook, 'latchkey');

/** Gives the cases to the Go program; returns what it says of them. */
async function verifyInGo(cases: object[]): Promise<{ verified: number; refused: number; errors: string[] }> {
  const program = await buildGoProgram(
    {
      name: 'verify-certificates',
      version: 'v1',
      moduleFolder: join(import.meta.dirname, '../../tools/verify-certificates'),
      package: '.',
      linkerFlags: '',
    },
    { cacheFolder: cacheFolder(process.env), env: process.env, progress: createProgress(process.stderr) },
  );
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  const output = text(child.stdout);
  child.stdin.end(cases.map((each) => `${JSON.stringify(each)}\n`).join(''));
  await once(child, 'close');
  return JSON.parse(await output);
}

/** Each of them has its own serial number; RSA keys come from a pool, because making 1,000 pairs takes minutes. */
test('Go accepts 1,000 leaves of five CAs, each alone and in a bundle of all', async () => {
  const nowMs = Date.now();
  const keys = await Promise.all(Array.from({ length: 9 }, () => generateRsaKeys(2048)));
  const pick = (index: number) => keys[index % keys.length] ?? assert.fail();
  const cas = [0, 1, 2, 3, 4].map((index) => issueCaCertificate(pick(index), nowMs, 365 * dayMs));
  const bundles = cas.map(({ certificate }) =>
    joinCaBundle(
      certificate,
      cas.map((other) => other.certificate),
      nowMs,
    ),
  );
  const cases = Array.from({ length: 1_000 }, (_, index) => {
    const issuer = cas[index % cas.length] ?? assert.fail();
    const { certificate: leaf } = issueLeafCertificate(pick(index), issuer, names, nowMs, 7 * dayMs);
    const ca = index % 2 === 0 ? issuer.certificate : bundles[index % bundles.length];
    return { ca, leaf, dnsName: names[index % names.length] };
  });
  assert.equal(new Set(cases.map(({ leaf }) => leaf)).size, 1_000);
  assert.deepEqual(await verifyInGo(cases), { verified: 1_000, refused: 0, errors: [] });
});

test('the Go program refuses a leaf of another CA and a name that is not covered', async () => {
  const nowMs = Date.now();
  const keys = await generateRsaKeys(2048);
  const [ca, other] = [issueCaCertificate(keys, nowMs, dayMs), issueCaCertificate(keys, nowMs, dayMs)];
  const leaf = issueLeafCertificate(keys, ca, names, nowMs, dayMs).certificate;
  const { verified, refused } = await verifyInGo([
    { ca: other.certificate, leaf, dnsName: 'flyte-pod-webhook.latchkey.svc' },
    { ca: ca.certificate, leaf, dnsName: 'flyte-pod-webhook.elsewhere.svc' },
    { ca: ca.certificate, leaf, dnsName: 'flyte-pod-webhook.latchkey.svc' },
  ]);
  assert.deepEqual({ verified, refused }, { verified: 1, refused: 2 });
});
