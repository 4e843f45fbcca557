import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { access, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { type BareCluster, startBareCluster } from './bare-cluster.ts';

let cluster: BareCluster;
before(async () => {
  cluster = await startBareCluster();
});
after(() => cluster?.stop());

/** The first line of a stream; throws when it ends without one. */
async function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stream })) return line;
  throw new Error('the process ended without a line');
}

const isGone = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

test('a pod is admitted in a new namespace, as kubectl sees', async () => {
  await cluster.createNamespace('tasks', { team: 'one' });
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'first', namespace: 'tasks' },
    spec: { containers: [{ name: 'main', image: 'task' }] },
  };
  await cluster.kubectl(['create', '-f', '-'], JSON.stringify(pod));
  assert.equal(await cluster.kubectl(['get', 'pods', '-n', 'tasks', '-o', 'name']), 'pod/first\n');
});

test('a user without rights is refused, and the audit log tells', async () => {
  const author = cluster.clientOf('author');
  await assert.rejects(author.core.listNamespacedSecret({ namespace: 'default' }), { code: 403 });
  const events = await cluster.auditEvents();
  const refused = events.find(({ user, verb }) => user.username === 'author' && verb === 'list');
  assert.equal(refused?.objectRef?.resource, 'secrets');
  assert.equal(refused?.responseStatus?.code, 403);
  assert.equal(
    events.some(({ user }) => user.username === 'harness'),
    false,
  );
});

test('the API server comes back with what it knew', async () => {
  await cluster.kubernetes.core.createNamespacedConfigMap({
    namespace: 'default',
    body: { metadata: { name: 'kept' } },
  });
  await cluster.stopApiServer();
  await assert.rejects(
    cluster.kubernetes.core.readNamespacedConfigMap({ namespace: 'default', name: 'kept' }),
  );
  await cluster.startApiServer();
  const kept = await cluster.kubernetes.core.readNamespacedConfigMap({ namespace: 'default', name: 'kept' });
  assert.equal(kept.metadata?.name, 'kept');
});

test('the bus is killed and started again on the same address', async () => {
  const { nats } = cluster;
  await nats.kill9();
  await assert.rejects(fetch(`${nats.monitoringUrl}/healthz`));
  await nats.start();
  assert.equal((await fetch(`${nats.monitoringUrl}/healthz`)).status, 200);
});

test('a test process killed with SIGKILL leaves no program and no folder behind', async () => {
  const script = `${cluster.folder}/crash.ts`;
  const harness = JSON.stringify(`${import.meta.dirname}/bare-cluster.ts`);
  await writeFile(
    script,
    `const { startBareCluster } = await import(${harness});
     const c = await startBareCluster();
     console.log(JSON.stringify({ folder: c.folder, pids: [c.etcd.pid, c.apiServer().pid, c.nats.process().pid] }));
     setInterval(() => {}, 1000);`,
  );
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await firstLine(child.stdout);
  const { folder, pids } = JSON.parse(line) as { folder: string; pids: number[] };
  assert.equal(pids.some(isGone), false);
  child.kill('SIGKILL');
  await waitFor(() => pids.every(isGone), { timeoutMs: 10_000, what: 'every program to be gone' });
  await waitFor(
    () =>
      access(folder).then(
        () => false,
        () => true,
      ),
    { timeoutMs: 10_000, what: `${folder} to be gone` },
  );
});
