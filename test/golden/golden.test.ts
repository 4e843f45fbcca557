import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { decodeBase32 } from '#shared/core/flyte/base32.ts';
import { parseSecretText } from '#shared/core/flyte/secret-text.ts';
import { applyPatch } from '#shared/core/patch/apply-patch.ts';
import { answerGolden, type GoldenCase, type Json, readGolden } from '#testkit/pods/golden-case.ts';
import {
  dropEmpty,
  moveUpPullContainers,
  podFaults,
  removeVersionAliases,
  unifyFreeNames,
  withoutReport,
} from '#testkit/pods/pod-faults.ts';

function statusCode(answer: ReturnType<typeof answerGolden>): number | undefined {
  const { response } = answer.admission;
  return 'response' in response ? response.response.status?.code : response.code;
}

for (const golden of readGolden<GoldenCase>('flyte-v1.public.ndjson')) {
  const deviates = golden.deviates ?? [];
  // A global secret asked as a file: Flyte panics, we ask the next manager.
  const failed = golden.expect.error !== null && !deviates.includes('global-file');
  const denied = failed || deviates.includes('impossible-name');
  test(`${golden.id} is ${denied ? 'denied with 400 and no patch' : 'injected as Flyte does'}`, () => {
    const answer = answerGolden(golden);
    if (denied) {
      assert.equal(statusCode(answer), 400);
      assert.deepEqual(answer.admission.patch, []);
      return;
    }
    assert.equal(answer.admission.code, undefined);
    assert.deepEqual(podFaults(answer.pod), podFaults(golden.pod));
    if (golden.expect.pod === null) return;
    const aliases = removeVersionAliases(answer.pod);
    assert.equal(aliases > 0, deviates.includes('version-alias'));
    const expected = structuredClone(golden.expect.pod);
    assert.equal(moveUpPullContainers(expected), deviates.includes('pull-container-first'));
    assert.deepEqual(
      dropEmpty(unifyFreeNames(withoutReport(answer.pod))),
      dropEmpty(unifyFreeNames(expected)),
    );
  });

  test(`${golden.id} is left alone the second time`, () => {
    const once = answerGolden(golden);
    assert.deepEqual(answerGolden({ ...golden, pod: once.pod }).admission.patch, []);
  });
}

for (const golden of readGolden<GoldenCase>('no-request.ndjson')) {
  test(`${golden.id} asks for nothing and gets no patch`, () => {
    const { admission } = answerGolden(golden);
    assert.equal(admission.outcome, 'nothing-asked');
    assert.deepEqual(admission.patch, []);
  });
}

for (const quirk of readGolden<GoldenCase>('quirks.ndjson')) {
  test(`${quirk.id} is answered with ${quirk.want}: ${quirk.note}`, () => {
    const answer = answerGolden(quirk);
    if (quirk.want === '400') {
      assert.equal(statusCode(answer), 400);
      return;
    }
    assert.equal(answer.admission.outcome, 'injected');
    assert.notDeepEqual(answer.admission.patch, []);
    assert.deepEqual(podFaults(answer.pod), []);
    quirkDetails[quirk.id]?.(answer.pod, answer.admission.warnings);
  });
}

/** What `how` says of single quirks. */
const quirkDetails: Record<string, (pod: Json, warnings: string[]) => void> = {
  'quirk-user-volume-same-secret': (pod) =>
    assert.deepEqual(pod.spec?.volumes?.[0], { name: 'mine', secret: { secretName: 'g' } }),
  'quirk-prefix-annotation': (_, warnings) => assert.match(warnings[0] ?? '', /flyte\.secrets\/source/),
  'quirk-global-env-var-ignored': (pod) => assert.equal(envOf(pod).MY_TOKEN, 'sekrit'),
  'quirk-global-dollar': (pod) => assert.equal(envOf(pod)._FSEC_TEAM_TOKEN, 'pa$$(HOMEX)ss'),
  'quirk-user-env-wins': (pod, warnings) => {
    assert.equal(envOf(pod).X, 'mine');
    assert.match(warnings[0] ?? '', /g\/k/);
  },
  'quirk-unknown-api-field-removed': (pod) =>
    assert.deepEqual(pod.spec?.containers?.[0]?.fieldOfTomorrow, { a: 1 }),
  'quirk-gcp-env-var-ignored': (pod) => assert.equal(envOf(pod).MY_TOKEN, '/etc/flyte/secrets/g/1'),
  'quirk-vault-env-var-ignored': (pod) => assert.equal(envOf(pod).MY_TOKEN, '/etc/flyte/secrets/secret/g/k'),
  'quirk-aws-env-var-in-pull-containers': (pod) => {
    assert.equal(envOf(pod).E2, '/etc/flyte/secrets/b/k2');
    assert.equal(JSON.stringify(pod.spec?.initContainers).includes('"E1"'), false);
  },
  'quirk-vault-key-dash': (pod) => {
    const template = '{{- with secret "secret/g" -}}{{ index .Data.data "api-key" }}{{- end -}}';
    assert.ok(Object.values(pod.metadata?.annotations ?? {}).includes(template as Json));
  },
  'quirk-vault-user-annotation-wins': (pod) =>
    assert.equal(pod.metadata?.annotations?.['vault.hashicorp.com/role'], 'admin'),
  'quirk-aws-user-init-first': (pod) => {
    const names = [...(pod.spec?.initContainers ?? [])].map(({ name }) => name);
    assert.deepEqual(names, ['aws-pull-secret-1', 'user-init']);
  },
  'quirk-volume-name-taken': (pod) => {
    assert.deepEqual(pod.spec?.volumes?.[0], { name: 'm4pq', emptyDir: {} });
    assert.equal(pod.spec?.volumes?.length, 2);
  },
};

function envOf(pod: Json): Record<string, string | undefined> {
  const env = pod.spec?.containers?.[0]?.env ?? [];
  return Object.fromEntries([...env].map((entry) => [entry.name ?? '', entry.value]));
}

interface TextCase {
  id: string;
  annotation: string;
  ok: boolean;
  secret?: Record<string, string | number>;
}

for (const { id, annotation, ok, secret } of readGolden<TextCase>('text-format.public.ndjson')) {
  test(`${id} ${ok ? 'decodes' : 'fails'} as with Go`, () => {
    const decode = (): object => parseSecretText(decodeBase32(annotation));
    if (!ok) {
      assert.throws(decode, LatchkeyError);
      return;
    }
    const decoded = Object.entries(decode()).map(([name, value]) => [
      name,
      typeof value === 'number' ? value : Buffer.from(value, 'latin1').toString('base64'),
    ]);
    assert.deepEqual(Object.fromEntries(decoded), secret);
  });
}

test('the recorded reviews of 5 KB to 14 KB are injected with an applicable patch', async () => {
  for (const file of ['review.json', 'review-mf.json', 'review-12k.json', 'review-50.json']) {
    const review = JSON.parse(await readFile(new URL(`./${file}`, import.meta.url), 'utf8'));
    const pod: Json = review.request.object;
    const answer = answerGolden({
      config: { secretManagerType: 'K8s' },
      globals: { env: {}, files: {} },
      namespace: review.request.namespace,
      pod,
    });
    assert.equal(answer.admission.outcome, 'injected', file);
    applyPatch(structuredClone(pod), answer.admission.patch);
  }
});
