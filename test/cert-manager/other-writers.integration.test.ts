import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rotateAnnotation } from '#shared/contracts/kubernetes/rotation-state.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import type { Installation } from './an-installation.ts';
import { useInstallations } from './use-installations.ts';

const installations = useInstallations();

/** Asks for a new leaf and waits until it is served from the Secret. */
async function renewLeaf(installation: Installation): Promise<void> {
  const { certificate } = await installation.readServing();
  await installation.patchSecret('flyte-pod-webhook-secret', {
    metadata: { annotations: { [rotateAnnotation]: 'now' } },
  });
  await installation.becomes(
    'a new leaf',
    async () => (await installation.readServing()).certificate !== certificate,
  );
}

test('terms that a platform adds to the selector are lived with, and certificates are renewed', async () => {
  const installation = await installations.startReady('platform');
  const added = [
    { key: 'control-plane', operator: 'NotIn', values: ['true'] },
    { key: 'kubernetes.azure.com/managedby', operator: 'NotIn', values: ['aks'] },
  ];
  const path = '/webhooks/0/namespaceSelector/matchExpressions/-';
  await installation.patchConfiguration(
    'json',
    added.map((value) => ({ op: 'add', path, value })),
  );
  const edited = await installation.readConfiguration();
  await renewLeaf(installation);
  assert.deepEqual(await installation.readConfiguration(), edited);
  assert.deepEqual(installation.remarks(), []);
});

test('a field that somebody writes again and again is repaired more and more rarely, named, and holds up no certificate', async () => {
  const installation = await installations.startReady('undone');
  let isFighting = true;
  let undone = 0;
  const fight = async (): Promise<void> => {
    while (isFighting) {
      const { webhooks } = await installation.readConfiguration();
      if (webhooks?.[0]?.failurePolicy !== 'Fail') continue;
      undone += 1;
      await installation.patchConfiguration('json', [
        { op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' },
      ]);
    }
  };
  const fighting = fight();
  try {
    await waitFor(
      () => installation.remarks().some((remark) => /failurePolicy .* undone 2 times/.test(remark)),
      {
        timeoutMs: 20_000,
        what: 'the third repair to be told',
      },
    );
    assert.match(installation.remarks().join(), /by kubectl-patch/);
    await renewLeaf(installation);
  } finally {
    isFighting = false;
    await fighting;
  }
  assert.ok(undone <= 5, `${undone} repairs were undone`);
  assert.ok(installation.logged.some((line) => line.includes('webhook repair undone repeatedly')));
});
