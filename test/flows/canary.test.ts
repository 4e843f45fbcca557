import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { installationNamespace } from '#testkit/cluster/manifests.ts';
import { malformedBodies, sendToGateway } from '#testkit/gateway/send-to-gateway.ts';
import { type BusRecorder, recordBus } from '#testkit/installation/bus-recorder.ts';
import { type Canary, findCanaries, type Source } from '#testkit/installation/canary-search.ts';
import { createPod, untilAnswered } from '#testkit/installation/create-pod.ts';
import { copySecretsIn, shardOf, untilCopied } from '#testkit/installation/global-copy.ts';
import {
  type RunningInstallation,
  selectedLabels,
  startInstallation,
} from '#testkit/installation/running-installation.ts';
import { untilSnapshotHolds } from '#testkit/installation/stored-snapshot.ts';
import { aTaskPod } from '#testkit/pods/task-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { auditSources, objectSources, ownSources } from './canary-sources.ts';
import { aCanary, inPod, planted, withNeighbours } from './planted-canaries.ts';

const namespace = 'canary-namespace';
const foreignNamespace = 'canary-foreign';

let installation: RunningInstallation;
let recorder: BusRecorder;
/** Texts that came back: answers of the API server to pods, of a gateway to whatever was sent to it. */
const answers: string[] = [];

const expectedCopies = {
  'file:team/canary-file': planted.file.value,
  'env:TEAM_CANARY': planted.variable.value,
  'file:platform/canary-mounted': planted.mounted.value,
};

/** A snapshot that is stored as soon as the rules change is there to be searched. */
const config = { snapshot: { intervalSeconds: 1 } };

before(async () => {
  installation = await startInstallation({
    gateways: 2,
    config,
    globals: { 'team/canary-file': planted.file.value },
    globalVariables: { FLYTE_SECRET_TEAM_CANARY: planted.variable.value },
    environment: { LOG_LEVEL: 'trace' },
    prepare: async (cluster) => {
      recorder = await recordBus(cluster);
      await cluster.createNamespace(namespace, selectedLabels);
      await cluster.createNamespace(foreignNamespace, selectedLabels);
      const occupied = `latchkey-global-${shardOf('file:team/canary-file')}`;
      await createSecret(foreignNamespace, occupied, planted.foreign, cluster.harness);
      await createSecret(
        installationNamespace,
        'global-secrets-platform',
        planted.mounted,
        cluster.harness,
        'canary-mounted',
      );
    },
  });
});
after(async () => {
  await recorder?.stop();
  await installation?.stop();
});

type Clients = RunningInstallation['cluster']['harness'];
const createSecret = (
  where: string,
  name: string,
  { value }: Canary,
  { core }: Clients,
  key = 'canary-key',
): Promise<unknown> => {
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': planted.applied.value };
  const body = { metadata: { name, annotations }, stringData: { [key]: value } };
  return core.createNamespacedSecret({ namespace: where, body });
};

async function ask(pod: V1Pod): Promise<boolean> {
  const answer = await createPod(installation.cluster, pod);
  answers.push(JSON.stringify(answer.admitted ? answer.pod.spec : answer));
  return answer.admitted;
}

const asked = { group: 'canary-secret', key: 'canary-key' };

test('secrets are injected, changed and denied', async () => {
  const { cluster } = installation;
  const { kubernetes } = cluster;
  await createSecret(namespace, asked.group, planted.secret, kubernetes);
  await untilCopied(cluster, namespace, expectedCopies);
  const pod = withNeighbours(
    aTaskPod(namespace, 'canary-injected', [
      { ...asked, mount: 'ENV_VAR' },
      { ...asked, mount: 'FILE', groupVersion: 'v1' },
      { group: 'team', key: 'canary-file', mount: 'FILE' },
      { group: 'team', key: 'canary', mount: 'ENV_VAR' },
      { group: 'platform', key: 'canary-mounted' },
    ]),
  );
  await untilAnswered(cluster, pod, { what: 'the pod to be admitted', is: ({ admitted }) => admitted });
  assert.ok(await ask(pod));
  const body = { metadata: { name: asked.group }, stringData: { 'canary-key': planted.changed.value } };
  await kubernetes.core.replaceNamespacedSecret({ namespace, name: asked.group, body });
  const wrong = [
    aTaskPod(namespace, 'no-key', [{ ...asked, key: 'canary-kez' }]),
    aTaskPod(namespace, 'no-secret', [{ group: 'canary-secre', key: 'x' }]),
    aTaskPod(namespace, 'impossible', [{ group: 'team', key: '../x' }]),
    aTaskPod(namespace, 'clash', [
      { ...asked, mount: 'ENV_VAR', envVar: 'BOTH' },
      { group: 'team', key: 'canary', mount: 'ENV_VAR', envVar: 'BOTH' },
    ]),
    aTaskPod(foreignNamespace, 'foreign', [{ group: 'team', key: 'canary-file' }]),
  ];
  for (const pod of wrong) assert.equal(await ask(withNeighbours(pod)), false, pod.metadata?.name);
  const undecodable = withNeighbours(aTaskPod(namespace, 'undecodable', [asked]), {
    'flyte.secrets/s1': inPod.malformed.value,
  });
  assert.equal(await ask(undecodable), false);
});

test('requests that are none are answered', async () => {
  const [gateway] = installation.gateways;
  assert.ok(gateway !== undefined);
  const { value } = inPod.body;
  const sent = answers.length;
  const path = '/mutate--v1-pod';
  for (const body of malformedBodies(value))
    answers.push(await sendToGateway(gateway, path, 'application/json', body));
  answers.push(await sendToGateway(gateway, path, 'text/plain', value));
  answers.push(
    await sendToGateway(gateway, `/other?${encodeURIComponent(value)}`, 'application/json', value),
  );
  for (const answer of answers.slice(sent)) assert.match(answer, /^[24]/);
});

test('services fail and recover', async () => {
  const { cluster, discovery, resolvers } = installation;
  const globals = join(discovery.root, 'etc/secrets');
  const untilLogged = (message: string) =>
    waitFor(async () => (await discovery.readLog()).includes(message), { timeoutMs: 20_000, what: message });
  // A folder where a file belongs cannot be read as one.
  await mkdir(join(globals, 'team/unreadable'));
  await untilLogged('path is no global secret and is skipped');
  await rm(join(globals, 'team/unreadable'), { recursive: true });
  await cluster.configure({ ...config, chain: [] });
  await untilLogged('configuration not usable');
  await cluster.configure(config);
  await cluster.nats.kill9();
  await cluster.apiServer().stop('SIGKILL');
  for (const service of [discovery, resolvers.global, resolvers.k8s]) service.signal('SIGKILL');
  await cluster.startApiServer();
  await cluster.nats.start();
  for (const service of cluster.services()) await service.untilReady();
  const [copy] = await copySecretsIn(cluster, namespace);
  const name = copy?.metadata?.name ?? '';
  await cluster.kubernetes.core.deleteNamespacedSecret({ namespace, name });
  await untilCopied(cluster, namespace, expectedCopies);
  const pod = withNeighbours(aTaskPod(namespace, 'canary-after', [asked, { group: 'team', key: 'canary' }]));
  await untilAnswered(cluster, pod, { what: 'the pod to be admitted again', is: ({ admitted }) => admitted });
  const [gateway] = installation.gateways;
  assert.ok(gateway !== undefined);
  await untilSnapshotHolds(cluster, gateway);
});

/** Where the API server repeats what latchkey did, and the pods themselves. */
async function clusterSources(): Promise<Source[]> {
  const { cluster } = installation;
  return [
    { name: 'answers', text: answers.join('\n') },
    ...(await objectSources(cluster)),
    ...(await auditSources(cluster)),
  ];
}

test('no planted value occurs anywhere but in Secrets', async () => {
  const sources = [...(await ownSources(installation.cluster, recorder)), ...(await clusterSources())];
  assert.deepEqual(findCanaries(Object.values(planted), sources), []);
});

test('latchkey repeats nothing else of a pod or a request', async () => {
  const denials = answers.filter((answer) => !answer.includes('"containers"'));
  const sources = [
    ...(await ownSources(installation.cluster, recorder)),
    { name: 'denials', text: denials.join('\n') },
  ];
  assert.deepEqual(findCanaries(Object.values(inPod), sources), []);
});

test('neither private keys nor the logins of the bus occur', async () => {
  const { cluster } = installation;
  const keys = await Promise.all(
    ['latchkey-ca', 'flyte-pod-webhook-secret'].map((name) =>
      cluster.harness.core.readNamespacedSecret({ namespace: installationNamespace, name }),
    ),
  );
  const lines = keys.flatMap(({ data }) =>
    Buffer.from(data?.['tls.key'] ?? '', 'base64')
      .toString()
      .split('\n')
      .slice(1, -2),
  );
  assert.ok(lines.length > 20);
  const passwords = Object.values(cluster.nats.passwords);
  const credentials = [...lines, ...passwords].map(
    (token): Canary => ({ name: 'a credential', token, value: token }),
  );
  const sources = [...(await ownSources(installation.cluster, recorder)), ...(await clusterSources())];
  assert.deepEqual(findCanaries(credentials, sources), []);
});

test('the search looks where it should: names do occur, and a value that is planted there is found', async () => {
  const { cluster } = installation;
  const control = aCanary('the control');
  recorder.nc.publish('control', control.value);
  await recorder.nc.flush();
  const spans = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ name: control.value }] }] }] });
  await fetch(`${cluster.otlp.endpoint}/v1/traces`, { method: 'POST', body: spans });
  const own = await ownSources(installation.cluster, recorder);
  const found = findCanaries([control], own).map((line) => line.replace(/^.* in /, ''));
  assert.deepEqual(new Set(found), new Set(['messages on the bus', 'exported spans']));

  const all = [...own, ...(await clusterSources())];
  const named = all.filter(({ text }) => text.includes(asked.group)).map(({ name }) => name);
  const expected = [
    'messages on the bus',
    'records in the buckets',
    'exported spans',
    'snapshot of the rules',
    'objects',
    'audit log',
    'answers',
  ];
  for (const name of expected) assert.ok(named.includes(name), name);
  const audited = (await cluster.auditEvents()).flatMap(({ annotations = {} }) =>
    Object.entries(annotations),
  );
  const patches = audited.filter(([name]) => name.startsWith('patch.webhook.admission.k8s.io/'));
  assert.ok(patches.some(([, patch]) => patch.includes(asked.group)));
  const logs = all.filter(({ name }) => name.startsWith('log ')).map(({ name }) => name);
  for (const { name } of cluster.services()) assert.ok(logs.includes(`log ${name}.log`), name);

  const secrets = { name: 'Secrets', text: await cluster.kubectl(['get', 'secrets', '-A', '-o', 'json']) };
  const plantedNow = Object.values(planted).filter((canary) => canary !== planted.secret);
  for (const canary of plantedNow) assert.notDeepEqual(findCanaries([canary], [secrets]), [], canary.name);
  const pods = findCanaries([inPod.annotation, inPod.variable], await clusterSources());
  assert.ok(pods.length >= 2);
});
