import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { refusedError } from '#shared/kubernetes/requests/kubernetes-call.ts';
import { findWebhookConfiguration } from './find-webhook-configuration.ts';

type Answer = 'there' | 404 | 403 | 500;
const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/';

/** The name that is found on an API server that answers so about an object; 404 about all others. */
async function foundName(answers: Record<string, Answer>, configurationName?: string) {
  const json: Kubernetes['json'] = async (call) => {
    const name = call.path.replace(path, '');
    const answer = answers[name] ?? 404;
    if (answer === 'there') return { metadata: { name } };
    throw refusedError(call, { statusCode: answer });
  };
  const found = await findWebhookConfiguration({ json } as Kubernetes, { configurationName });
  return found?.metadata.name;
}

test('the object of earlier releases is kept where there is none under our name', async () => {
  assert.equal(await foundName({}), undefined);
  assert.equal(await foundName({ latchkey: 'there' }), 'latchkey');
  assert.equal(await foundName({ '0-latchkey': 'there' }), '0-latchkey');
  assert.equal(await foundName({ latchkey: 'there', '0-latchkey': 'there' }), '0-latchkey');
});

test('a name in latchkey.yaml is the only one that is looked for', async () => {
  const both: Record<string, Answer> = { latchkey: 'there', '0-latchkey': 'there' };
  assert.equal(await foundName(both, 'latchkey'), 'latchkey');
  assert.equal(await foundName(both, 'flyte-pod-webhook'), undefined);
});

test('a role that allows one of the names suffices while that object is there', async () => {
  assert.equal(await foundName({ latchkey: 'there', '0-latchkey': 403 }), 'latchkey');
  assert.equal(await foundName({ latchkey: 403, '0-latchkey': 'there' }), '0-latchkey');
  await assert.rejects(foundName({ latchkey: 403 }), /mutatingwebhookconfigurations latchkey .* 403/);
  await assert.rejects(foundName({ '0-latchkey': 403 }), /mutatingwebhookconfigurations 0-latchkey .* 403/);
});

test('an API server that fails about one name does not choose the other', async () => {
  await assert.rejects(foundName({ latchkey: 'there', '0-latchkey': 500 }), / 0-latchkey .* 500/);
});
