import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { V1Container } from '@kubernetes/client-node';
import {
  formerConfigurationName,
  usualConfigurationName,
} from '#shared/installation/webhook-configuration.ts';
import { type Cluster, startCluster } from '#testkit/cluster/cluster.ts';
import { createPod, untilAnswered } from '#testkit/installation/create-pod.ts';
import { aTaskPod } from '#testkit/pods/task-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { type MeshWebhook, meshProxy, startMeshWebhook } from './mesh-webhook.ts';

const namespace = 'flytesnacks-development';
const timeoutMs = 20_000;
const task = aTaskPod(namespace, 'task', [{ group: 'db', key: 'password', mount: 'ENV_VAR' }]);
const variable = '_FSEC_DB_PASSWORD';
let cluster: Cluster;
let mesh: MeshWebhook;

before(async () => {
  cluster = await startCluster({ config: { chain: ['k8s'], k8s: { inventory: 'open' } } });
  await cluster.createNamespace(namespace);
  const services = ['cert-manager', 'discovery', 'resolver-k8s', 'gateway'];
  mesh = await startMeshWebhook(cluster);
  await Promise.all(services.map((name) => cluster.startService(name)));
  await Promise.all(cluster.services().map((service) => service.untilReady()));
});
after(async () => {
  mesh?.stop();
  await cluster?.stop();
});

/** Waits until both webhooks are called and these containers have the secret. An API server learns of both by a watch. */
const untilSecretsIn = (...containers: string[]) =>
  untilAnswered(cluster, task, {
    what: `the secret to be in ${containers}`,
    is: (answer) => {
      const all = answer.admitted ? (answer.pod.spec?.containers ?? []) : [];
      const having = all.filter(hasSecret).map(({ name }) => name);
      return all.length === 2 && having.join() === containers.join();
    },
  });

const hasSecret = ({ env = [] }: V1Container): boolean => env.some(({ name }) => name === variable);

/** Names under which charts of injectors register. */
const injectors = [
  'aks-node-mutating-webhook',
  'aws-appmesh-inject',
  'azure-wi-webhook-mutating-webhook-configuration',
  'cilium-injector',
  'consul-connect-injector',
  'dapr-sidecar-injector',
  'datadog-webhook',
  'istio-sidecar-injector',
  'kuma-admission-mutating-webhook-configuration',
  'linkerd-proxy-injector-webhook-config',
  'opentelemetry-operator-mutating-webhook-configuration',
  'pod-identity-webhook',
  'vault-agent-injector-cfg',
];

test('our configuration sorts before those of all usual injectors, so that what they add gets no secret', async () => {
  assert.deepEqual([...injectors, usualConfigurationName].sort(), [usualConfigurationName, ...injectors]);
  for (const name of ['azure-wi-webhook-mutating-webhook-configuration', 'istio-sidecar-injector']) {
    await mesh.register(name);
    await untilSecretsIn('task');
  }
});

test('a configuration that sorts before ours is called before, and its containers get secrets', async () => {
  await mesh.register('0-aaa');
  await untilSecretsIn('task', meshProxy);
});

test('an installation keeps the former name until it moves by hand, and pods have their secret in between', async () => {
  const { admissionRegistration } = cluster.harness;
  const read = (name: string) => admissionRegistration.readMutatingWebhookConfiguration({ name });
  const { metadata, webhooks = [] } = await read(usualConfigurationName);
  const spoilt = webhooks.map((entry) => ({ ...entry, timeoutSeconds: 29 }));
  await admissionRegistration.createMutatingWebhookConfiguration({
    body: { metadata: { name: formerConfigurationName, labels: metadata?.labels ?? {} }, webhooks: spoilt },
  });
  await admissionRegistration.deleteMutatingWebhookConfiguration({ name: usualConfigurationName });
  const isRepaired = async (name: string) => (await read(name)).webhooks?.[0]?.timeoutSeconds === 5;
  await waitFor(() => isRepaired(formerConfigurationName), { timeoutMs, what: 'the former name to be kept' });
  await assert.rejects(read(usualConfigurationName), { code: 404 });
  await mesh.register('istio-sidecar-injector');
  await untilSecretsIn('task', meshProxy);

  await setName(usualConfigurationName);
  await waitFor(() => isRepaired(usualConfigurationName), { timeoutMs, what: 'the object to be created' });
  const between = await createPod(cluster, task, { dryRun: true });
  assert.ok(between.admitted && between.pod.spec?.containers.some(hasSecret));
  await admissionRegistration.deleteMutatingWebhookConfiguration({ name: formerConfigurationName });
  await setName(undefined);
  await untilSecretsIn('task');
  await assert.rejects(read(formerConfigurationName), { code: 404 });
});

const setName = (configurationName: string | undefined): Promise<void> =>
  cluster.configure({
    chain: ['k8s'],
    k8s: { inventory: 'open' },
    webhook: configurationName === undefined ? {} : { configurationName },
  });
