import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { type Cluster, startCluster } from './cluster.ts';

let cluster: Cluster;
before(async () => {
  cluster = await startCluster();
});
after(() => cluster?.stop());

const timeoutMs = 20_000;

test('a service runs with what its Deployment says, and the cluster sees its pod', async () => {
  const service = await cluster.startService('resolver-k8s');
  assert.equal(await readFile(join(service.root, 'etc/latchkey/nats/username'), 'utf8'), 'resolver-k8s');
  const pod = await cluster.kubernetes.core.readNamespacedPod({ name: service.name, namespace: 'latchkey' });
  assert.equal(pod.metadata?.uid, service.uid);
  const variables = await readFile(`/proc/${service.pid()}/environ`, 'utf8');
  assert.match(variables, new RegExp(`POD_UID=${service.uid}\0`));
  assert.match(variables, new RegExp(`LATCHKEY_CONFIG=${service.root}/etc/latchkey/config/latchkey.yaml\0`));
  assert.doesNotMatch(variables, /KUBECONFIG=/);
  const isAlive = async () => (await fetch(`http://127.0.0.1:${service.ports.health}/livez`)).ok;
  await waitFor(isAlive, { timeoutMs, what: 'the service to be alive' });
  assert.deepEqual(await service.stop(), { code: 0, signal: null });
});

test('only a service whose pod mounts a token has one, with the rights of its ServiceAccount', async () => {
  const service = await cluster.startService('discovery');
  const kubeconfig = JSON.parse(await readFile(join(service.root, '../kubeconfig'), 'utf8'));
  const token: string = kubeconfig.users[0].user.token;
  const review = await cluster.kubernetes.authentication.createTokenReview({ body: { spec: { token } } });
  assert.equal(review.status?.user?.username, 'system:serviceaccount:latchkey:discovery');
  assert.equal(review.status?.user?.extra?.['authentication.kubernetes.io/pod-name']?.[0], 'discovery-0');
  await service.kill();
});

test('a process that ends is started again, in the same pod', async () => {
  const service = await cluster.startService('resolver-global');
  const first = service.pid();
  service.signal('SIGKILL');
  await waitFor(() => service.pid() !== first, { timeoutMs, what: 'another process' });
  const pod = await cluster.kubernetes.core.readNamespacedPod({ name: service.name, namespace: 'latchkey' });
  assert.equal(pod.metadata?.uid, service.uid);
  await service.stop();
});

test('a changed configuration is projected into the folder of a running service', async () => {
  const service = await cluster.startService('resolver-k8s');
  const file = join(service.root, 'etc/latchkey/config/latchkey.yaml');
  assert.doesNotMatch(await readFile(file, 'utf8'), /timeoutSeconds/);
  await cluster.configure({ webhook: { timeoutSeconds: 7 } });
  const arrived = async () => (await readFile(file, 'utf8')).includes('timeoutSeconds: 7');
  await waitFor(arrived, { timeoutMs, what: 'the changed latchkey.yaml' });
  await service.stop();
});
