import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import type { ServicePod } from '../cluster/kubelet.ts';
import { installationNamespace } from '../cluster/manifests.ts';
import { waitFor } from '../cluster/wait-for.ts';
import { createPod, untilAnswered } from './admission.ts';
import { type BusRecorder, recordBus } from './bus-recorder.ts';
import { type Canary, findCanaries, type Source } from './canary-search.ts';
import {
  auditSources,
  busSources,
  healthSources,
  logSources,
  objectSources,
  telemetrySources,
} from './canary-sources.ts';
import { copySecretsIn, untilCopied } from './global-copy.ts';
import { type RunningInstallation, selectedLabels, startInstallation } from './running-installation.ts';
import { aTaskPod } from './task-pod.ts';

const namespace = 'canary-namespace';
const foreignNamespace = 'canary-foreign';

function aCanary(name: string): Canary {
  const token = `Canary${randomBytes(12).toString('hex')}`;
  return { name, token, value: `"ü/+=& ${token}` };
}

const planted = {
  secret: aCanary('the value of a Secret'),
  changed: aCanary('the changed value of a Secret'),
  applied: aCanary('an annotation of a Secret'),
  file: aCanary('a global secret in a file'),
  variable: aCanary('a global secret in a variable'),
  mounted: aCanary('a global secret in a mounted Secret'),
  foreign: aCanary('a foreign Secret in place of a copy'),
};
/** What stands in the pod itself: the API server's own objects and audit log hold it, latchkey repeats none of it. */
const inPod = {
  annotation: aCanary('another annotation of the pod'),
  variable: aCanary('a variable of the pod'),
  malformed: aCanary('a secret annotation that cannot be decoded'),
  body: aCanary('a request that is no admission review'),
};

let installation: RunningInstallation;
let recorder: BusRecorder;
/** Texts that came back: answers of the API server to pods, of a gateway to whatever was sent to it. */
const answers: string[] = [];

const expectedCopies = {
  'file:team/canary-file': planted.file.value,
  'env:TEAM_CANARY': planted.variable.value,
  'file:platform/canary-mounted': planted.mounted.value,
};

before(async () => {
  installation = await startInstallation({
    gateways: 2,
    globals: { 'team/canary-file': planted.file.value },
    globalVariables: { FLYTE_SECRET_TEAM_CANARY: planted.variable.value },
    environment: { LOG_LEVEL: 'trace' },
    prepare: async (cluster) => {
      recorder = await recordBus(cluster);
      await cluster.createNamespace(namespace, selectedLabels);
      await cluster.createNamespace(foreignNamespace, selectedLabels);
      const shard = createHash('sha256').update('file:team/canary-file').digest('hex').charAt(0);
      await createSecret(foreignNamespace, `latchkey-global-${shard}`, planted.foreign, cluster.harness);
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

/** A pod with planted text in its own annotations and variables. */
function withNeighbours(pod: V1Pod, annotations: Record<string, string> = {}): V1Pod {
  const own = { 'team.example/note': inPod.annotation.value, ...annotations };
  const containers = (pod.spec?.containers ?? []).map((container) => ({
    ...container,
    env: [{ name: 'OWN', value: inPod.variable.value }],
  }));
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations: { ...pod.metadata?.annotations, ...own } },
    spec: { ...pod.spec, containers },
  };
}

/** Sends anything to a gateway, as somebody who is not the API server may. */
function sendToGateway(
  { ports }: ServicePod,
  path: string,
  contentType: string,
  body: string,
): Promise<void> {
  const options = { method: 'POST', rejectUnauthorized: false, headers: { 'content-type': contentType } };
  return new Promise((resolve, reject) => {
    const sent = request(`https://127.0.0.1:${ports.webhook}${path}`, options, (response) => {
      let text = `${response.statusCode} ${JSON.stringify(response.headers)} `;
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => {
        answers.push(text);
        resolve();
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
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
  const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' };
  const bodies = [
    value,
    `{"apiVersion": ${value}`,
    JSON.stringify({ ...review, kind: value }),
    JSON.stringify({ ...review, request: { uid: value.repeat(20), operation: 'CREATE' } }),
    JSON.stringify({ ...review, request: { uid: 'u', operation: 'CREATE', object: value } }),
    JSON.stringify({ ...review, request: { uid: 'u', operation: value, object: { kind: 'Pod' } } }),
    JSON.stringify({
      ...review,
      request: {
        uid: 'u',
        operation: 'CREATE',
        resource: { group: '', version: 'v1', resource: 'pods' },
        object: {
          kind: 'Pod',
          metadata: { labels: { 'inject-flyte-secrets': 'true' }, annotations: { 'flyte.secrets/s1': 7 } },
          spec: { containers: value },
        },
      },
    }),
  ];
  const sent = answers.length;
  for (const body of bodies) await sendToGateway(gateway, '/mutate--v1-pod', 'application/json', body);
  await sendToGateway(gateway, '/mutate--v1-pod', 'text/plain', value);
  await sendToGateway(gateway, `/other?${encodeURIComponent(value)}`, 'application/json', value);
  assert.equal(answers.length, sent + bodies.length + 2);
});

test('services fail and recover', async () => {
  const { cluster, discovery, resolvers } = installation;
  const globals = join(discovery.root, 'etc/secrets');
  // A folder where a file belongs cannot be read as one.
  await mkdir(join(globals, 'team/unreadable'));
  await waitFor(async () => (await discovery.readLog()).includes('not readable'), {
    timeoutMs: 20_000,
    what: 'discovery to meet what it cannot read',
  });
  await rm(join(globals, 'team/unreadable'), { recursive: true });
  await cluster.configure({ chain: [] });
  await waitFor(async () => (await discovery.readLog()).includes('configuration not usable'), {
    timeoutMs: 20_000,
    what: 'discovery to meet a wrong configuration',
  });
  await cluster.configure({});
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
});

/** What latchkey itself says, anywhere. */
async function ownSources(): Promise<Source[]> {
  const { cluster } = installation;
  return [
    ...(await logSources(cluster)),
    ...(await busSources(recorder)),
    ...(await healthSources(cluster)),
    ...telemetrySources(cluster),
  ];
}
/** Where the API server repeats what latchkey did, and the pods themselves. */
async function clusterSources(): Promise<Source[]> {
  const { cluster } = installation;
  const answered = { name: 'answers', text: answers.join('\n') };
  return [answered, ...(await objectSources(cluster)), ...(await auditSources(cluster))];
}

test('no planted value occurs anywhere but in Secrets', async () => {
  const sources = [...(await ownSources()), ...(await clusterSources())];
  assert.deepEqual(findCanaries(Object.values(planted), sources), []);
});

test('latchkey repeats nothing else of a pod or a request', async () => {
  const denials = answers.filter((answer) => !answer.includes('"containers"'));
  const sources = [...(await ownSources()), { name: 'denials', text: denials.join('\n') }];
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
  const sources = [...(await ownSources()), ...(await clusterSources())];
  assert.deepEqual(findCanaries(credentials, sources), []);
});

test('the search looks where it should: names do occur, and a value that is planted there is found', async () => {
  const { cluster } = installation;
  const control = aCanary('the control');
  recorder.nc.publish('control', control.value);
  await recorder.nc.flush();
  const spans = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ name: control.value }] }] }] });
  await fetch(`${cluster.otlp.endpoint}/v1/traces`, { method: 'POST', body: spans });
  const own = await ownSources();
  const found = findCanaries([control], own).map((line) => line.replace(/^.* in /, ''));
  assert.deepEqual(new Set(found), new Set(['messages on the bus', 'exported spans']));

  const all = [...own, ...(await clusterSources())];
  const named = all.filter(({ text }) => text.includes(asked.group)).map(({ name }) => name);
  const expected = [
    'messages on the bus',
    'records in the buckets',
    'exported spans',
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
