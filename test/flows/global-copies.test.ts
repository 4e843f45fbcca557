import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { installationNamespace } from '#testkit/cluster/manifests.ts';
import { createPod, untilAnswered } from '#testkit/installation/create-pod.ts';
import {
  copiesIn,
  copySecretsIn,
  nameOf,
  readGlobalCopy,
  shardOf,
  untilCopied,
} from '#testkit/installation/global-copy.ts';
import {
  type RunningInstallation,
  selectedLabels,
  startInstallation,
} from '#testkit/installation/running-installation.ts';
import { aTaskPod } from '#testkit/pods/task-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

const platformSecret = 'global-secrets-platform';
/** A key whose copy stands alone in its Secret. */
const lonelyKey = 'lonely_key';
const initial = {
  'env:TEAM_NAME': 'from-a-variable',
  'file:team/token': 'from-a-file',
  'file:platform/api.key': 'from-a-mounted-secret',
  [`file:platform/${lonelyKey}`]: 'second',
};
let installation: RunningInstallation;
/** What every selected namespace should hold now. */
let expected: Record<string, string> = { ...initial };

before(async () => {
  installation = await startInstallation({
    globals: { 'team/token': initial['file:team/token'] },
    globalVariables: { FLYTE_SECRET_TEAM_NAME: initial['env:TEAM_NAME'] },
    prepare: async ({ harness, createNamespace }) => {
      await createNamespace('early', selectedLabels);
      const stringData = { 'api.key': initial['file:platform/api.key'], [lonelyKey]: 'second' };
      const body = { metadata: { name: platformSecret }, stringData };
      await harness.core.createNamespacedSecret({ namespace: installationNamespace, body });
    },
  });
});
after(() => installation?.stop());

/** Sets or removes (null) labels of a namespace. */
function labelNamespace(name: string, labels: Record<string, string | null>): Promise<unknown> {
  const patch = JSON.stringify({ metadata: { labels } });
  return installation.cluster.kubectl(['patch', 'namespace', name, '--type=merge', '-p', patch]);
}
const deselected = { 'latchkey.dev/secrets': null };

test('every selected namespace holds every global secret, one made later too, any other none', async () => {
  const { cluster } = installation;
  await cluster.createNamespace('late', selectedLabels);
  await cluster.createNamespace('unselected');
  await untilCopied(cluster, 'early', expected);
  await untilCopied(cluster, 'late', expected);
  assert.deepEqual(await copySecretsIn(cluster, 'unselected'), []);
});

test('a task reads a global secret as a variable or a file, and waits for it where it is not there yet', async () => {
  const { cluster } = installation;
  const pod = aTaskPod('early', 'both', [
    { group: 'team', key: 'name', mount: 'ENV_VAR' },
    { group: 'team', key: 'token', mount: 'FILE' },
    { group: 'platform', key: 'api.key', mount: 'ENV_VAR', envVar: 'API_KEY' },
    { group: 'platform', key: lonelyKey, mount: 'FILE' },
  ]);
  const answer = await createPod(cluster, pod, { dryRun: true });
  assert.ok(answer.admitted, JSON.stringify(answer));
  const spec = answer.pod.spec;
  const references = spec?.containers[0]?.env?.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? []);
  const volumes = spec?.volumes?.flatMap(({ secret }) => secret ?? []) ?? [];
  assert.deepEqual(
    new Set([...(references ?? []), ...volumes].map(({ optional }) => optional)),
    new Set([false]),
  );
  assert.equal(
    await readGlobalCopy(cluster, 'early', { group: 'team', key: 'name', mount: 'ENV_VAR' }),
    initial['env:TEAM_NAME'],
  );
  assert.equal(
    await readGlobalCopy(cluster, 'early', { group: 'team', key: 'token', mount: 'FILE' }),
    initial['file:team/token'],
  );
});

test('a changed value arrives, a removed key goes, and an empty shard is deleted', async () => {
  const { cluster } = installation;
  const before = await copySecretsIn(cluster, 'early');
  const stringData = { 'api.key': 'rotated' };
  const body = { metadata: { name: platformSecret }, stringData };
  await cluster.harness.core.replaceNamespacedSecret({
    namespace: installationNamespace,
    name: platformSecret,
    body,
  });
  const { [`file:platform/${lonelyKey}`]: _, ...rest } = expected;
  expected = { ...rest, 'file:platform/api.key': 'rotated' };
  await untilCopied(cluster, 'early', expected);
  await untilCopied(cluster, 'late', expected);
  const shards = new Set(Object.keys(expected).map((name) => `latchkey-global-${shardOf(name)}`));
  assert.deepEqual(new Set((await copySecretsIn(cluster, 'early')).map(nameOf)), shards);
  assert.equal(before.length, shards.size + 1);
  await untilAnswered(cluster, aTaskPod('early', 'gone', [{ group: 'platform', key: lonelyKey }]), {
    what: 'the removed global to be denied',
    is: (answer) => !answer.admitted && answer.code === 404,
  });
});

test('a copy that somebody changes, even for good, or deletes is put right', async () => {
  const { cluster } = installation;
  const [first, second] = await copySecretsIn(cluster, 'early');
  assert.ok(first !== undefined && second !== undefined);
  const { core } = cluster.kubernetes;
  await core.replaceNamespacedSecret({
    namespace: 'early',
    name: nameOf(first),
    body: {
      metadata: { name: nameOf(first), labels: first.metadata?.labels ?? {} },
      stringData: { other: 'x' },
      immutable: true,
    },
  });
  await core.deleteNamespacedSecret({ namespace: 'early', name: nameOf(second) });
  await untilCopied(cluster, 'early', expected);
});

test('a copy that somebody forges or deletes as fast as it is put right is right when he is quiet', async () => {
  const { cluster } = installation;
  const { core } = cluster.kubernetes;
  const name = `latchkey-global-${shardOf('file:team/token')}`;
  const asks = [{ group: 'team', key: 'token' }];
  let last = await core.readNamespacedSecret({ namespace: 'early', name });
  for (const deed of ['forge', 'delete', 'forge', 'delete', 'forge'] as const) {
    const metadata = { name, labels: last.metadata?.labels ?? {} };
    if (deed === 'delete') await core.deleteNamespacedSecret({ namespace: 'early', name });
    else
      await core.replaceNamespacedSecret({
        namespace: 'early',
        name,
        body: { metadata, stringData: { evil: 'EVIL' } },
      });
    last = await waitFor(
      async () => {
        const secret = await core.readNamespacedSecret({ namespace: 'early', name });
        return secret.data?.evil === undefined ? secret : undefined;
      },
      { timeoutMs: 20_000, what: 'the repair', intervalMs: 1 },
    );
  }
  await untilCopied(cluster, 'early', expected);
  await untilAnswered(cluster, aTaskPod('early', 'asks', asks), {
    what: 'the pod to be admitted',
    is: ({ admitted }) => admitted,
  });
});

test('a copy of another type is replaced, however well it is labelled', async () => {
  const { cluster } = installation;
  const { core } = cluster.kubernetes;
  const name = `latchkey-global-${shardOf('file:team/token')}`;
  const { metadata } = await core.readNamespacedSecret({ namespace: 'early', name });
  await core.deleteNamespacedSecret({ namespace: 'early', name });
  const body = {
    metadata: { name, labels: metadata?.labels ?? {} },
    type: 'example.com/evil',
    stringData: { evil: 'EVIL' },
  };
  // Discovery may be faster: then it is not this Secret that stands there.
  await core.createNamespacedSecret({ namespace: 'early', body }).catch(() => undefined);
  await untilCopied(cluster, 'early', expected);
  assert.equal((await core.readNamespacedSecret({ namespace: 'early', name })).type, 'Opaque');
});

test('a namespace that is deselected loses its copies and its answers, and gets them back', async () => {
  const { cluster } = installation;
  await labelNamespace('late', deselected);
  await untilCopied(cluster, 'late', {});
  const pod = aTaskPod('late', 'asks', [{ group: 'team', key: 'token' }]);
  await untilAnswered(cluster, pod, {
    what: '503 for the deselected namespace',
    is: (answer) => !answer.admitted && answer.code === 503 && answer.message.includes('late'),
  });
  await labelNamespace('late', selectedLabels);
  await untilCopied(cluster, 'late', expected);
  await untilAnswered(cluster, pod, { what: 'the pod to be admitted', is: ({ admitted }) => admitted });
});

test('a foreign Secret with the name of a copy is left alone, told to the author, and healed from', async () => {
  const { cluster } = installation;
  const { core } = cluster.kubernetes;
  const name = `latchkey-global-${shardOf('file:team/token')}`;
  await cluster.createNamespace('occupied');
  const body = { metadata: { name }, stringData: { mine: 'not latchkey’s' } };
  const foreign = await core.createNamespacedSecret({ namespace: 'occupied', body });
  await labelNamespace('occupied', selectedLabels);
  const others = Object.fromEntries(
    Object.entries(expected).filter(([global]) => `latchkey-global-${shardOf(global)}` !== name),
  );
  await untilCopied(cluster, 'occupied', others);
  const pod = aTaskPod('occupied', 'asks', [{ group: 'team', key: 'token' }]);
  await untilAnswered(cluster, pod, {
    what: '503 that names the namespace',
    is: (answer) => !answer.admitted && answer.code === 503 && answer.message.includes('occupied'),
  });
  assert.deepEqual(await core.readNamespacedSecret({ namespace: 'occupied', name }), foreign);
  assert.match(await installation.discovery.readLog(), /has the name of a copy/);
  await core.deleteNamespacedSecret({ namespace: 'occupied', name });
  await untilCopied(cluster, 'occupied', expected);
  await untilAnswered(cluster, pod, { what: 'the pod to be admitted', is: ({ admitted }) => admitted });
});

test('a copy that somebody takes over is no longer offered, until it is gone', async () => {
  const { cluster } = installation;
  const { core } = cluster.kubernetes;
  const name = `latchkey-global-${shardOf('file:team/token')}`;
  const taken = await core.replaceNamespacedSecret({
    namespace: 'occupied',
    name,
    body: { metadata: { name }, stringData: { taken: 'over' } },
  });
  const pod = aTaskPod('occupied', 'asks-again', [{ group: 'team', key: 'token' }]);
  await untilAnswered(cluster, pod, {
    what: '503 while the copy is somebody else’s',
    is: (answer) => !answer.admitted && answer.code === 503,
  });
  assert.deepEqual(await core.readNamespacedSecret({ namespace: 'occupied', name }), taken);
  await core.deleteNamespacedSecret({ namespace: 'occupied', name });
  await untilCopied(cluster, 'occupied', expected);
  await untilAnswered(cluster, pod, { what: 'the pod to be admitted', is: ({ admitted }) => admitted });
});

test('a task may not name a copy as if it were a Secret of its own', async () => {
  const { cluster } = installation;
  const [copy] = await copySecretsIn(cluster, 'early');
  const [key = ''] = Object.keys(copy?.data ?? {});
  assert.ok(copy !== undefined);
  for (const mount of ['ENV_VAR', 'FILE'] as const) {
    const pod = aTaskPod('early', 'sly', [{ group: nameOf(copy), key, mount }]);
    const answer = await createPod(cluster, pod);
    assert.ok(!answer.admitted);
    assert.equal(answer.code, 404);
    assert.match(answer.message, /k8s/);
  }
});

const kibibytes = (count: number, fill: string): string => fill.repeat(count * 1_024);
/** Keys of group `big` that share a shard, in the order of their names. */
const keysOfOneShard = Array.from({ length: 200 }, (_, index) => `k${String(index).padStart(3, '0')}`).filter(
  (key) => shardOf(`file:big/${key}`) === '7',
);

test('more than 1 MiB is spread over several Secrets, and the rules follow when a secret moves to another', async () => {
  const { cluster } = installation;
  const [earlier = '', ...keys] = keysOfOneShard.slice(0, 5);
  const write = async (key: string, value: string): Promise<void> => {
    await cluster.writeGlobalSecret('big', key, value);
    expected = { ...expected, [`file:big/${key}`]: value };
  };
  for (const [index, key] of keys.entries()) await write(key, kibibytes(300, 'abcd'.charAt(index)));
  await untilCopied(cluster, 'early', expected);
  const names = () => copySecretsIn(cluster, 'early').then((copies) => copies.map(nameOf));
  for (const name of ['latchkey-global-7', 'latchkey-global-7-1']) assert.ok((await names()).includes(name));
  await write(earlier, kibibytes(300, 'z'));
  await untilCopied(cluster, 'early', expected);
  for (const key of [earlier, ...keys]) {
    const value = expected[`file:big/${key}`] ?? '';
    const asked = { group: 'big', key, mount: 'FILE' } as const;
    await waitFor(async () => (await readGlobalCopy(cluster, 'early', asked)) === value, {
      timeoutMs: 20_000,
      what: `a pod to get the value of big/${key}`,
    });
  }
});

test('a value that no Secret can hold is reported, denied, and keeps nothing else from arriving', async () => {
  const { cluster, discovery } = installation;
  await cluster.writeGlobalSecret('huge', 'value', kibibytes(950, 'h'));
  await cluster.writeGlobalSecret('small', 'value', 'small');
  expected = { ...expected, 'file:small/value': 'small' };
  await untilCopied(cluster, 'early', expected);
  assert.match(await discovery.readLog(), /file:huge\/value.*too large/);
  const answer = await createPod(cluster, aTaskPod('early', 'huge', [{ group: 'huge', key: 'value' }]));
  assert.ok(!answer.admitted);
  assert.equal(answer.code, 404);
});

test('what was deselected while discovery was away is cleaned up, and nothing else is touched', async () => {
  const { cluster } = installation;
  const versions = async () =>
    (await copySecretsIn(cluster, 'early')).map(({ metadata }) => [metadata?.uid, metadata?.resourceVersion]);
  const before = await versions();
  await installation.discovery.stop();
  await labelNamespace('late', deselected);
  // As a second installation of latchkey would keep them, where this one selects nothing.
  const { core } = cluster.kubernetes;
  const [own] = await copySecretsIn(cluster, 'early');
  const labels = { ...own?.metadata?.labels, 'latchkey.dev/installation': 'latchkey2' };
  const body = { metadata: { name: 'latchkey-global-0', labels }, stringData: { of: 'another' } };
  await cluster.createNamespace('elsewhere');
  const others = await core.createNamespacedSecret({ namespace: 'elsewhere', body });
  installation.discovery = await cluster.startService('discovery');
  await installation.discovery.untilReady();
  await untilCopied(cluster, 'late', {});
  assert.deepEqual(await copiesIn(cluster, 'early'), expected);
  assert.deepEqual(await versions(), before);
  assert.deepEqual(
    await core.readNamespacedSecret({ namespace: 'elsewhere', name: 'latchkey-global-0' }),
    others,
  );
});
