import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { parseProcessConfig } from '#shared/config/process-config.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { replaceLease } from '#shared/kubernetes/election/lease.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';
import { createLeaseServer, type LeaseServer } from '#testkit/cluster/lease-server.ts';
import { acceleratedClock } from '#testkit/nats/accelerated-clock.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createLeaderElectedService, type LeaderContext } from './leader-elected-service.ts';
import type { ReadyService } from './ready-service.ts';

const clock = acceleratedClock(4);
const config = latchkeyConfigSchema.parse({});
const lease = 'latchkey-test';
const newServer = () => createLeaseServer({ namespace: 'latchkey', name: lease });
const timeoutMs = 10_000;

/** Starts a leader-elected service in a pod of that name; `events` tells what happened to the service inside. */
async function startPod(
  t: TestContext,
  server: LeaseServer,
  name: string,
  started: () => Promise<void> = async () => undefined,
  remarks: Pick<ReadyService, 'remarks'> = { remarks: () => ['inner remark'] },
) {
  const events: string[] = [];
  let led: LeaderContext | undefined;
  const service = createLeaderElectedService({
    context: {
      process: parseProcessConfig({ POD_NAME: name, POD_UID: `uid-${name}` }),
      config,
      log: pino({ level: 'silent' }),
      clock,
      end: (code) => events.push(`end ${code}`),
    },
    kubernetes: server.connectionOf(name),
    lease,
    create: (context) => {
      led = context;
      return {
        notReady: () => ['inner reason'],
        ...remarks,
        concern: () => 'inner concern',
        start: async () => {
          events.push('start');
          await started();
        },
        stop: async () => void events.push(`stop while it leads: ${led?.isLeading()}`),
      };
    },
  });
  await service.start();
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= service.stop();
    return stopping;
  };
  t.after(stop);
  return { ...service, events, stop };
}

test('the service runs in one process, the other one is ready and names the leader until it stops', async (t) => {
  const server = newServer();
  const first = await startPod(t, server, 'first');
  await waitFor(() => first.events.length > 0, { timeoutMs, what: 'the first to lead' });
  assert.deepEqual(
    [first.notReady(), first.remarks?.(), first.concern?.(config)],
    [['inner reason'], ['inner remark'], 'inner concern'],
  );
  const second = await startPod(t, server, 'second');
  await waitFor(() => second.notReady().length === 0, { timeoutMs, what: 'the second to be ready' });
  assert.deepEqual(
    [second.remarks?.(), second.concern?.(config), second.events],
    [['standby: first_uid-first leads'], config, []],
  );
  await first.stop();
  assert.deepEqual(first.events, ['start', 'stop while it leads: true']);
  await waitFor(() => second.events.includes('start'), { timeoutMs, what: 'the second to lead' });
  assert.equal(server.holder(), 'second_uid-second');
});

test('a standby says for how long the holder has not renewed the Lease', async (t) => {
  const server = newServer();
  const place = { namespace: 'latchkey', name: lease };
  const foreign = {
    metadata: { ...place, resourceVersion: '1' },
    spec: {
      holderIdentity: 'nobody_1',
      leaseDurationSeconds: 2 ** 31 - 1,
      renewTime: '2099-01-01T00:00:00Z',
    },
  };
  await replaceLease(server.connectionOf('foreign'), foreign, AbortSignal.timeout(timeoutMs));
  const pod = await startPod(t, server, 'pod');
  await waitFor(() => pod.remarks?.()[0] === 'standby: nobody_1 leads', { timeoutMs, what: 'the holder' });
  const silent = /^standby: nobody_1 holds the Lease, but has not renewed it for \d+ s$/;
  await waitFor(() => silent.test(pod.remarks?.()[0] ?? ''), { timeoutMs, what: 'its silence' });
  assert.deepEqual([pod.notReady(), pod.events], [[], []]);
});

test('the leader never says that it stands by, also when its service has nothing to remark', async (t) => {
  const server = newServer();
  const pod = await startPod(t, server, 'pod', undefined, {});
  await waitFor(() => pod.events.length > 0, { timeoutMs, what: 'it to lead' });
  assert.deepEqual(pod.remarks?.(), []);
});

test('a process that loses the Lease ends with a code of its own', async (t) => {
  const server = newServer();
  const pod = await startPod(t, server, 'pod');
  await waitFor(() => pod.events.length > 0, { timeoutMs, what: 'it to lead' });
  server.unreachable.add('pod');
  await waitFor(() => pod.events.length > 1, { timeoutMs, what: 'it to lose' });
  assert.deepEqual(pod.events, ['start', `end ${exitCode.leadershipLost}`]);
});

test('a standby that cannot read the Lease is not ready and says why', async (t) => {
  const server = newServer();
  server.unreachable.add('pod');
  const pod = await startPod(t, server, 'pod');
  assert.match(pod.notReady().join(), /has not been read yet/);
  await waitFor(() => /gave no answer/.test(pod.notReady().join()), { timeoutMs, what: 'the reason' });
  assert.deepEqual(pod.events, []);
});

test('a service that does not start ends the process', async (t) => {
  const pod = await startPod(t, newServer(), 'pod', () => Promise.reject(new Error('no')));
  await waitFor(() => pod.events.length > 1, { timeoutMs, what: 'the end' });
  assert.deepEqual(pod.events, ['start', `end ${exitCode.failed}`]);
});

test('a stop waits for a start under way, unless that takes too long', async (t) => {
  const server = newServer();
  const slow = Promise.withResolvers<void>();
  const pod = await startPod(t, server, 'pod', async () => {
    await slow.promise;
    pod.events.push('started');
  });
  await waitFor(() => pod.events.length > 0, { timeoutMs, what: 'it to start' });
  const stopped = pod.stop();
  slow.resolve();
  await stopped;
  assert.deepEqual(pod.events, ['start', 'started', 'stop while it leads: true']);
  const stuck = await startPod(t, server, 'stuck', () => new Promise(() => undefined));
  await waitFor(() => stuck.events.length > 0, { timeoutMs, what: 'the next one to start' });
  await stuck.stop();
  assert.deepEqual(stuck.events, ['start', 'stop while it leads: true']);
});
