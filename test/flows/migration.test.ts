import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { importFlyteConfig } from '#cli/config/config-import.ts';
import { readFlyteSection } from '#cli/config/flyte-sections.ts';
import type { ConfigInput } from '#testkit/cluster/installation.ts';
import { type RunningInstallation, startInstallation } from '#testkit/installation/running-installation.ts';
import { aTaskPod } from '#testkit/pods/task-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { type FlyteWebhook, startFlyteWebhook } from '../migration/flyte-webhook.ts';
import { type PodStream, startPodStream } from '../migration/pod-stream.ts';

const rights = join(import.meta.dirname, '../../deploy/variants/cert-manager-adopt.yaml');
const guide = join(import.meta.dirname, '../../docs/migration.md');
const namespace = 'flytesnacks-development';
const podsInARow = 20;
const flytesConfiguration = `
webhook: {serviceName: flyte-pod-webhook, servicePort: 443, secretManagerType: K8s, certDir: /etc/webhook/certs}
`;
const imported = importFlyteConfig(readFlyteSection(flytesConfiguration, 'core.yaml'), 'core.yaml')
  .config as ConfigInput;

let installation: RunningInstallation;
let flyte: FlyteWebhook;
let pods: PodStream;
let asMadeByFlyte: Awaited<ReturnType<FlyteWebhook['readConfiguration']>>;
let secretVersion: string | undefined;

before(async () => {
  installation = await startInstallation({
    config: imported,
    prepare: async (cluster) => {
      await cluster.kubectl(['apply', '-f', rights]);
      flyte = await startFlyteWebhook(cluster);
      asMadeByFlyte = await flyte.readConfiguration();
      secretVersion = await flyte.secretVersion();
      await cluster.createNamespace(namespace);
      const pod = aTaskPod(namespace, 'task', [{ group: 'db-creds', key: 'password', mount: 'ENV_VAR' }]);
      pods = startPodStream(cluster, pod, ['_FSEC_DB-CREDS_PASSWORD', 'db-creds/password']);
    },
  });
});
after(async () => {
  await pods?.stop();
  await flyte?.close();
  await installation?.stop();
});

/** What an operator does: edits latchkey.yaml in its ConfigMap. */
const setWebhook = (webhook: ConfigInput['webhook']): Promise<void> =>
  installation.cluster.configure({ ...imported, webhook: { ...imported.webhook, ...webhook } });

test('installed beside it, latchkey is ready and leaves every pod and every object to Flyte', async () => {
  await pods.untilInjectedBy('flyte', podsInARow);
  assert.equal(pods.counts.latchkey, 0);
  assert.deepEqual(await flyte.readConfiguration(), asMadeByFlyte);
});

test('adopt: true moves every pod to latchkey', async () => {
  await setWebhook({ adopt: true });
  await pods.untilInjectedBy('latchkey', podsInARow);
});

test('a webhook of Flyte that starts again and registers itself is taken over again', async () => {
  await flyte.register();
  await waitFor(
    async () => (await flyte.readConfiguration()).metadata?.annotations?.['latchkey.dev/adopted'],
    {
      timeoutMs: 20_000,
      what: 'the entry to be taken over again',
    },
  );
  await pods.untilInjectedBy('latchkey', podsInARow);
});

test('adopt: false gives every pod and the very same entry back to Flyte', async () => {
  await setWebhook({ adopt: false });
  await pods.untilInjectedBy('flyte', podsInARow);
  const { webhooks, metadata } = await flyte.readConfiguration();
  assert.deepEqual(webhooks, asMadeByFlyte.webhooks);
  assert.equal(metadata?.annotations, undefined);
});

test('the way back by hand, for a cert-manager that does not run, is as docs/migration.md says', async () => {
  const { cluster, certManager } = installation;
  await setWebhook({ adopt: true });
  await pods.untilInjectedBy('latchkey', podsInARow);
  await certManager.stop();
  const rollBack = /^## 4\. Roll back\n.*?```\n(.*?)```/ms.exec(await readFile(guide, 'utf8'));
  assert.ok(rollBack?.[1], 'the page has the commands');
  const commands = rollBack[1];
  const [kubectl = ''] = cluster.kubectlLine().split(' ');
  const env = {
    HOME: cluster.folder,
    KUBECONFIG: cluster.kubeconfigFile,
    PATH: `${dirname(kubectl)}:${process.env.PATH}`,
  };
  await promisify(execFile)('sh', ['-ec', commands], { env });
  await pods.untilInjectedBy('flyte', podsInARow);
  const { webhooks, metadata } = await flyte.readConfiguration();
  assert.deepEqual(webhooks, asMadeByFlyte.webhooks);
  assert.equal(metadata?.annotations, undefined);
  await cluster.startService('cert-manager');
});

test('the move ends with an object of latchkey, and without the one of Flyte', async () => {
  const { admissionRegistration } = installation.cluster.kubernetes;
  await setWebhook({ adopt: true });
  await pods.untilInjectedBy('latchkey', podsInARow);
  await setWebhook({ adopt: false, configurationName: '0-latchkey' });
  await waitFor(() => admissionRegistration.readMutatingWebhookConfiguration({ name: '0-latchkey' }), {
    timeoutMs: 20_000,
    what: 'the object of latchkey',
  });
  await pods.untilInjectedBy('latchkey', podsInARow);
  await admissionRegistration.deleteMutatingWebhookConfiguration({ name: flyte.name });
  await pods.untilInjectedBy('latchkey', podsInARow);
});

test('in all of it no pod was denied, or admitted without its secret, and the Secret of Flyte is as it was', async (t) => {
  await pods.stop();
  t.diagnostic(`${pods.counts.flyte} pods injected by Flyte, ${pods.counts.latchkey} by latchkey`);
  assert.deepEqual(pods.wrong, []);
  assert.ok(pods.counts.flyte >= 2 * podsInARow && pods.counts.latchkey >= 4 * podsInARow);
  assert.equal(await flyte.secretVersion(), secretVersion);
  const { discovery, resolvers } = installation;
  for (const { name, run } of [discovery, ...Object.values(resolvers)]) assert.equal(run.restarts(), 0, name);
});
