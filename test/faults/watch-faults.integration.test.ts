import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import { createReflector, type Reflector } from '#shared/kubernetes/reflector/reflector.ts';
import { connectKubernetes, type Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { resourcePath } from '#shared/kubernetes/requests/resource-path.ts';
import { type Cluster, startCluster } from '#testkit/cluster/cluster.ts';
import { acceleratedClock } from '#testkit/nats/accelerated-clock.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { startWatchFaultProxy, type WatchFaultProxy } from './watch-fault-proxy.ts';

const namespace = 'watched';
/** Ten pauses after failures would otherwise be most of this file's time. */
const clock = acceleratedClock(4);
const log = pino({ level: 'silent' });
let cluster: Cluster;
let proxy: WatchFaultProxy;
let kubernetes: Kubernetes;
let reflector: Reflector<string>;
const deleted: string[] = [];
let syncs = 0;

before(async () => {
  cluster = await startCluster();
  await cluster.createNamespace(namespace);
  proxy = await startWatchFaultProxy({ target: cluster.server, ca: cluster.authority });
  kubernetes = connectKubernetes({ kubeconfigFile: await kubeconfigThrough(proxy.url), log });
  reflector = createReflector({
    kubernetes,
    path: resourcePath({ resource: 'secrets', namespace }),
    transform: ({ metadata }) => ({ key: metadata.name, value: metadata.labels?.version ?? '' }),
    onChange: (change) => {
      if (change.type === 'delete') deleted.push(change.key);
    },
    onSync: () => void syncs++,
    idleTimeoutMs: 4_000,
    log,
    clock,
  });
  await waitFor(() => reflector.synced() && proxy.openWatches() === 1, {
    timeoutMs: 10_000,
    what: 'the first watch',
  });
});
after(async () => {
  await reflector?.stop();
  kubernetes?.close();
  await proxy?.close();
  await cluster?.stop();
});

/** The admin's kubeconfig, through the proxy. */
async function kubeconfigThrough(server: string): Promise<string> {
  const kubeconfig = JSON.parse(await readFile(cluster.kubeconfigFile, 'utf8'));
  kubeconfig.clusters[0].cluster = { server, 'insecure-skip-tls-verify': true };
  const file = join(cluster.folder, 'kubeconfig-through-proxy');
  await writeFile(file, JSON.stringify(kubeconfig), { mode: 0o600 });
  return file;
}

const put = (name: string, version: string) =>
  cluster.kubernetes.core.createNamespacedSecret({
    namespace,
    body: { metadata: { name, labels: { version } } },
  });
const change = (name: string, version: string) =>
  cluster.kubernetes.core.replaceNamespacedSecret({
    namespace,
    name,
    body: { metadata: { name, labels: { version } } },
  });
const remove = (name: string) => cluster.kubernetes.core.deleteNamespacedSecret({ namespace, name });

/** Creates one Secret, changes one and deletes one while the fault acts, and waits for the reflector to agree. */
async function convergesAfter(fault: string, strike: () => void | Promise<void>): Promise<void> {
  const [kept, gone] = [`${fault}-kept`, `${fault}-gone`];
  await put(kept, '1');
  await put(gone, '1');
  await waitFor(() => reflector.items().has(gone), { timeoutMs: 10_000, what: `${gone} to be seen` });
  await strike();
  await change(kept, '2');
  await remove(gone);
  await put(`${fault}-new`, '1');
  await waitFor(
    () =>
      reflector.items().get(kept) === '2' &&
      !reflector.items().has(gone) &&
      reflector.items().get(`${fault}-new`) === '1',
    { timeoutMs: 30_000, what: `the reflector to agree with the API server after ${fault}` },
  );
  assert.equal(deleted.filter((name) => name === gone).length, 1);
}

test('a watch that is reset goes on from its last event, without a list', async () => {
  const listsBefore = proxy.seen.list;
  await convergesAfter('reset', () => proxy.strikeOpenWatches('reset'));
  assert.equal(proxy.seen.list, listsBefore);
});

test('a watch that the server ends goes on from its last event, without a list', async () => {
  const listsBefore = proxy.seen.list;
  await convergesAfter('end', () => proxy.strikeOpenWatches('end'));
  assert.equal(proxy.seen.list, listsBefore);
});

test('a stall with the socket open is noticed', async () => {
  const watchesBefore = proxy.seen.watch;
  await convergesAfter('stall', () => proxy.strikeOpenWatches('stall'));
  assert.ok(proxy.seen.watch > watchesBefore);
});

test('a watch request that is never answered is given up', () =>
  convergesAfter('unanswered', () => {
    proxy.failNext('watch', 'stall');
    proxy.strikeOpenWatches('reset');
  }));

test('410 as an HTTP status makes it list again, and the deletion is not lost', async () => {
  const listsBefore = proxy.seen.list;
  await convergesAfter('gone-status', () => {
    proxy.failNext('watch', { status: 410 });
    proxy.strikeOpenWatches('reset');
  });
  assert.equal(proxy.seen.list, listsBefore + 1);
});

test('410 as an ERROR event makes it list again, and the deletion is not lost', async () => {
  const listsBefore = proxy.seen.list;
  const line = JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } });
  await convergesAfter('gone-event', () => proxy.strikeOpenWatches({ line }));
  assert.equal(proxy.seen.list, listsBefore + 1);
});

test('a list refused with 500, 429, a reset and 410 is tried again', () =>
  convergesAfter('list-refused', () => {
    proxy.failNext('list', { status: 500 });
    proxy.failNext('list', { status: 429, retryAfterSeconds: 1 });
    proxy.failNext('list', 'reset');
    proxy.failNext('list', { status: 410 });
    proxy.failNext('watch', { status: 410 });
    proxy.strikeOpenWatches('reset');
  }));

test('a watch refused with 500, 429 and a reset is tried again', () =>
  convergesAfter('watch-refused', () => {
    proxy.failNext('watch', { status: 500 });
    proxy.failNext('watch', { status: 429, retryAfterSeconds: 1 });
    proxy.failNext('watch', 'reset');
    proxy.strikeOpenWatches('reset');
  }));

test('lines split over chunks are put together', async () => {
  proxy.setLineMode('split');
  await convergesAfter('split', () => undefined);
  proxy.setLineMode('whole');
});

test('an event torn in its middle comes again', () =>
  convergesAfter('torn', () => proxy.setLineMode('tear')));

test('a line that is not JSON makes it list again', () =>
  convergesAfter('not-json', () => proxy.strikeOpenWatches({ line: '{"type":"ADDED","object":{' })));

test('a restarted API server loses nothing', () =>
  convergesAfter('restart', async () => {
    await cluster.stopApiServer();
    await cluster.startApiServer();
  }));

test('1,200 Secrets come as one stream, and in pages once the server refuses to stream', async () => {
  const names = Array.from({ length: 1_200 }, (_, index) => `many-${index}`);
  const work = names.values();
  const create = async (): Promise<void> => {
    for (const name of work) await put(name, '1');
  };
  await Promise.all(Array.from({ length: 16 }, create));
  const listsAnew = async (faults: () => void): Promise<number> => {
    const listsBefore = proxy.seen.list;
    const syncsBefore = syncs;
    faults();
    proxy.failNext('watch', { status: 410 });
    proxy.strikeOpenWatches('reset');
    await waitFor(() => syncs > syncsBefore && proxy.openWatches() === 1, {
      timeoutMs: 30_000,
      what: 'a list, and its watch',
    });
    assert.ok(names.every((name) => reflector.items().has(name)));
    return proxy.seen.list - listsBefore;
  };
  assert.equal(await listsAnew(() => undefined), 1);
  // The refused one, then 20, 40, 80, 160, 320 and 500 objects and the rest.
  assert.equal(await listsAnew(() => proxy.failNext('list', { status: 422 })), 1 + 7);
});
