import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Secret } from '@kubernetes/client-node';
import { snapshotSecretNames } from '#shared/contracts/kubernetes/rules-snapshot.ts';
import {
  formerConfigurationName,
  usualConfigurationName,
} from '#shared/installation/webhook-configuration.ts';
import { type Cluster, startCluster } from '#testkit/cluster/cluster.ts';
import { installationNamespace } from '#testkit/cluster/manifests.ts';
import { untilAnswered } from '#testkit/installation/create-pod.ts';
import { untilCopied } from '#testkit/installation/global-copy.ts';
import {
  type RunningInstallation,
  selectedLabels,
  startInstallation,
} from '#testkit/installation/running-installation.ts';
import { storedSnapshot } from '#testkit/installation/stored-snapshot.ts';
import { aTaskPod } from '#testkit/pods/task-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { compareRights, forbidden, grantedRights, type Right, usedRights } from './rights.ts';

const deployFolder = `${import.meta.dirname}/../../deploy`;
const taskNamespace = 'flytesnacks-development';
const authoritySecret = 'latchkey-ca';
const servingSecret = 'flyte-pod-webhook-secret';
const timeoutMs = 20_000;
const snapshot = { intervalSeconds: 1 };

/** Waits until what stands in the API server again is as wanted. */
const until = <T>(what: string, isMet: () => Promise<T>) => waitFor(isMet, { timeoutMs, what });

const readSecret = ({ harness }: Cluster, name: string): Promise<V1Secret> =>
  harness.core.readNamespacedSecret({ namespace: installationNamespace, name });

/** Takes our label off a Secret of cert-manager, and waits until cert-manager has written it again. */
async function spoilSecret(cluster: Cluster, name: string): Promise<void> {
  const { core } = cluster.kubernetes;
  const secret = await readSecret(cluster, name);
  const metadata = { ...secret.metadata, labels: { spoiled: 'true' } };
  const body = { ...secret, metadata };
  await core.replaceNamespacedSecret({ namespace: installationNamespace, name, body });
  await until(`cert-manager to repair ${name}`, async () => {
    const { metadata } = await readSecret(cluster, name);
    return metadata?.labels?.['app.kubernetes.io/managed-by'] === 'latchkey';
  });
}

/** Deletes each and makes it empty, as `kubectl apply` does, and waits until cert-manager has filled it. */
async function deleteAuthorityAndLeaf(cluster: Cluster): Promise<void> {
  for (const name of [servingSecret, authoritySecret]) {
    await cluster.kubernetes.core.deleteNamespacedSecret({ namespace: installationNamespace, name });
    const body = { metadata: { name } };
    await cluster.harness.core.createNamespacedSecret({ namespace: installationNamespace, body });
    await until(`cert-manager to fill ${name} again`, async () => {
      return (await readSecret(cluster, name)).data?.['tls.crt'] !== undefined;
    });
  }
}

/** Disturbs the object, then puts one of 0.1.0 in its place, which cert-manager keeps; in the end there is ours again. */
async function disturbWebhookConfiguration(cluster: Cluster): Promise<void> {
  const { admissionRegistration } = cluster.kubernetes;
  const [name, former] = [usualConfigurationName, formerConfigurationName];
  const read = (each: string) => admissionRegistration.readMutatingWebhookConfiguration({ name: each });
  const isRepaired = async (each: string) => (await read(each)).webhooks?.[0]?.timeoutSeconds === 5;
  const configuration = await read(name);
  const webhooks = configuration.webhooks?.map((entry) => ({ ...entry, timeoutSeconds: 29 })) ?? [];
  await admissionRegistration.replaceMutatingWebhookConfiguration({
    name,
    body: { ...configuration, webhooks },
  });
  await until('the webhook to be repaired', () => isRepaired(name));
  const { labels = {} } = configuration.metadata ?? {};
  await admissionRegistration.createMutatingWebhookConfiguration({
    body: { metadata: { name: former, labels }, webhooks },
  });
  await admissionRegistration.deleteMutatingWebhookConfiguration({ name });
  await until('the webhook of 0.1.0 to be repaired', () => isRepaired(former));
  await assert.rejects(read(name), { code: 404 });
  await admissionRegistration.deleteMutatingWebhookConfiguration({ name: former });
  await until('the webhook to be made again', async () => (await read(name)).webhooks?.length === 1);
}

async function disturbGlobals(
  { cluster }: RunningInstallation,
  namespaces: readonly string[],
): Promise<void> {
  const name = 'global-secrets-platform';
  const globals = (data: Record<string, string>) => ({ metadata: { name }, stringData: data });
  const settled = async (expected: Record<string, string>): Promise<void> => {
    for (const namespace of namespaces) await untilCopied(cluster, namespace, expected);
  };
  const { core } = cluster.harness;
  const namespace = installationNamespace;
  await core.createNamespacedSecret({ namespace, body: globals({ one: '1', two: '2' }) });
  await settled({ 'file:platform/one': '1', 'file:platform/two': '2' });
  await core.replaceNamespacedSecret({ namespace, name, body: globals({ one: 'changed' }) });
  await settled({ 'file:platform/one': 'changed' });
}

async function disturbTaskSecrets({ cluster }: RunningInstallation, namespace: string): Promise<void> {
  const { core } = cluster.kubernetes;
  const pod = aTaskPod(namespace, 'asks', [{ group: 'db', key: 'password' }]);
  await core.createNamespacedSecret({
    namespace,
    body: { metadata: { name: 'db' }, stringData: { password: 'p' } },
  });
  await untilAnswered(cluster, pod, { what: 'the pod to be admitted', is: ({ admitted }) => admitted });
  await core.deleteNamespacedSecret({ namespace, name: 'db' });
  await untilAnswered(cluster, pod, {
    what: 'the pod to be denied',
    is: (answer) => !answer.admitted && answer.code === 404,
  });
}

/** Spoils every Secret of the snapshot, and waits until discovery has written them again. */
async function disturbSnapshot(cluster: Cluster): Promise<void> {
  await until('a snapshot', () => storedSnapshot(cluster));
  for (const name of snapshotSecretNames) {
    const secret = await readSecret(cluster, name);
    const body = { ...secret, data: { ...secret.data, spoiled: '' } };
    await cluster.kubernetes.core.replaceNamespacedSecret({ namespace: installationNamespace, name, body });
    await until(`discovery to repair ${name}`, async () => {
      return !('spoiled' in ((await readSecret(cluster, name)).data ?? {}));
    });
  }
}

/** Every service but the gateways begins again. */
async function restart(installation: RunningInstallation): Promise<void> {
  const { cluster, certManager, discovery, resolvers } = installation;
  for (const service of [certManager, discovery, resolvers.global, resolvers.k8s]) await service.stop();
  const names = ['cert-manager', 'discovery', 'resolver-global', 'resolver-k8s'];
  const started = await Promise.all(names.map((name) => cluster.startService(name)));
  for (const service of started) await service.untilReady();
}

async function assertRightsEqualUse(cluster: Cluster): Promise<void> {
  const events = await cluster.auditEvents();
  const used = usedRights(events);
  assert.deepEqual(compareRights(await grantedRights(cluster), used), { notGranted: [], notUsed: [] });
  assert.deepEqual(forbidden(events), [], 'refused by the API server');
  assert.deepEqual(new Set(used.map(({ service }) => service)), new Set(['cert-manager', 'discovery']));
}

test('a request without a right and a right without a request are both found', () => {
  const right: Right = {
    service: 'discovery',
    verb: 'list',
    resource: 'secrets',
    name: undefined,
    namespace: '*',
  };
  const named = { ...right, name: 'latchkey-ca', namespace: 'latchkey' };
  assert.deepEqual(compareRights([right], [named]), { notGranted: [], notUsed: [] });
  for (const request of [
    { ...named, verb: 'get' },
    { ...named, service: 'gateway' },
    { ...named, resource: 'secrets/status' },
    { ...named, name: 'other' },
    { ...named, namespace: 'team' },
  ]) {
    const { notGranted, notUsed } = compareRights([named], [request]);
    assert.deepEqual([notGranted.length, notUsed.length], [1, 1]);
  }
});

test('the services use exactly the rights that deploy/ grants them, and gateway and resolvers none', async (t) => {
  const installation = await startInstallation({
    gateways: 2,
    config: { snapshot },
    prepare: ({ createNamespace }) => createNamespace(taskNamespace, selectedLabels),
  });
  t.after(() => installation.stop());
  const { cluster } = installation;
  await disturbTaskSecrets(installation, taskNamespace);
  await cluster.createNamespace('later', selectedLabels);
  await disturbGlobals(installation, [taskNamespace, 'later']);
  await cluster.kubectl(['label', 'namespace', 'later', 'latchkey.dev/secrets-']);
  await untilCopied(cluster, 'later', {});
  await disturbWebhookConfiguration(cluster);
  for (const name of [authoritySecret, servingSecret]) {
    await spoilSecret(cluster, name);
  }
  await deleteAuthorityAndLeaf(cluster);
  await disturbSnapshot(cluster);
  await restart(installation);
  await assertRightsEqualUse(cluster);
});

test('with named namespaces the rights of deploy/variants suffice and are all used', async (t) => {
  const installation = await startInstallation({
    config: { snapshot, k8s: { namespaces: { names: [taskNamespace] } } },
    prepare: async ({ createNamespace, kubectl }) => {
      await createNamespace(taskNamespace);
      await kubectl(['delete', '-f', `${deployFolder}/discovery-rights.yaml`]);
      await kubectl(['create', '-f', `${deployFolder}/variants/discovery-rights-named.yaml`]);
    },
  });
  t.after(() => installation.stop());
  const { cluster } = installation;
  await disturbTaskSecrets(installation, taskNamespace);
  await disturbGlobals(installation, [taskNamespace]);
  await cluster.createNamespace('other', selectedLabels);
  await disturbWebhookConfiguration(cluster);
  for (const name of [authoritySecret, servingSecret]) {
    await spoilSecret(cluster, name);
  }
  await disturbSnapshot(cluster);
  await restart(installation);
  await assertRightsEqualUse(cluster);
});

test('neither cert-manager nor init-certs can have a token of another service account made', async (t) => {
  const cluster = await startCluster();
  t.after(() => cluster.stop());
  await cluster.kubectl(['apply', '-f', `${deployFolder}/variants/init-certs-job.yaml`]);
  const token = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/service-account-token',
    metadata: {
      name: 'latchkey-ca',
      namespace: installationNamespace,
      annotations: { 'kubernetes.io/service-account.name': 'discovery' },
    },
  };
  for (const account of ['cert-manager', 'init-certs']) {
    const as = `--as=system:serviceaccount:${installationNamespace}:${account}`;
    const can = async (verb: string): Promise<string> => {
      const asked = ['auth', 'can-i', verb, 'secrets/latchkey-ca', '-n', installationNamespace, as];
      return (await cluster.kubectl(asked).catch(() => 'no')).trim();
    };
    assert.equal(await can('update'), 'yes');
    assert.equal(await can('delete'), 'no');
    await assert.rejects(cluster.kubectl(['create', '-f', '-', as], JSON.stringify(token)), /forbidden/i);
  }
});
