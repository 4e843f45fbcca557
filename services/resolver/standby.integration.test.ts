import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { ensureBuckets } from '#shared/bus/link/buckets.ts';
import type { Bus } from '#shared/bus/link/bus.ts';
import { subscribeHeartbeats } from '#shared/bus/link/heartbeats.ts';
import { parseProcessConfig } from '#shared/config/process-config.ts';
import type { Heartbeat } from '#shared/contracts/bus/heartbeat.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { awsManager } from '#shared/managers/shipped/aws.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';
import { acceleratedClock } from '#testkit/nats/accelerated-clock.ts';
import { startPausableProxy } from '#testkit/nats/pausable-proxy.ts';
import { startTestBus, type TestBus } from '#testkit/nats/test-bus.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createResolver } from './resolver.ts';

/** A heartbeat every 400 ms, and a silence of 1 s is one. */
const clock = acceleratedClock(5);
const timeoutMs = 15_000;
const config = latchkeyConfigSchema.parse({});

let testBus: TestBus;
let observer: Bus;
const heard: Heartbeat[] = [];
before(async () => {
  testBus = await startTestBus();
  observer = await testBus.connect();
  assert.equal(await ensureBuckets(observer, { log: testBus.log }), true);
  subscribeHeartbeats(observer, { manager: 'aws' }, (heartbeat) => heard.push(heartbeat));
  await (await observer.linked()).nc.flush();
});
after(() => testBus.stop());

/** A resolver of an open manager in a pod `uid`, until the test ends. */
async function startResolver(t: TestContext, uid: string, url?: string, user = 'resolver-aws') {
  const ends: number[] = [];
  const bus = await testBus.connect(user, url === undefined ? {} : { url });
  const resolver = createResolver(
    {
      process: parseProcessConfig({ POD_UID: uid }),
      config,
      log: testBus.log,
      clock,
      end: (code) => ends.push(code),
    },
    { bus, resolved: { manager: awsManager, follow: () => () => undefined }, polled: undefined },
  );
  await resolver.start();
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= resolver.stop();
    return stopping;
  };
  t.after(stop);
  return {
    uid,
    ends,
    stop,
    notReady: () => resolver.notReady(),
    remarks: () => resolver.remarks?.() ?? [],
  };
}

const lastHolder = (): Heartbeat | undefined => heard.findLast(({ epoch }) => epoch !== undefined);
/** Waits until so many heartbeats of each of them came; resolves with who named an epoch meanwhile. */
async function holders(uids: readonly string[], count = 5): Promise<Set<string>> {
  const from = heard.length;
  const since = () => heard.slice(from);
  await waitFor(() => uids.every((uid) => since().filter((beat) => beat.uid === uid).length >= count), {
    timeoutMs,
    what: `${count} heartbeats of ${uids.join(' and ')}`,
  });
  return new Set(since().flatMap(({ uid, epoch }) => (epoch === undefined ? [] : [`${uid} ${epoch}`])));
}

test('of several that start at once one publishes, the others are ready; goodbye hands over at once', async (t) => {
  const resolvers = await Promise.all(['a', 'b', 'c'].map((uid) => startResolver(t, uid)));
  await waitFor(() => resolvers.every(({ notReady }) => notReady().length === 0), {
    timeoutMs,
    what: 'all to be ready',
  });
  let [holder, ...more] = await holders(['a', 'b', 'c']);
  const epochs: number[] = [];
  for (const left of [2, 1]) {
    assert.deepEqual(more, [], 'one alone publishes');
    const [uid, epoch] = holder?.split(' ') ?? [];
    epochs.push(Number(epoch));
    const leaving = resolvers.find((resolver) => resolver.uid === uid);
    const staying = resolvers.filter((resolver) => resolver !== leaving);
    assert.deepEqual(leaving?.remarks(), []);
    for (const { remarks } of staying) assert.match(remarks()[0] ?? '', new RegExp(`^standby: .*${uid}`));
    resolvers.splice(0, resolvers.length, ...staying);
    await leaving?.stop();
    const stoppedMs = performance.now();
    await waitFor(() => lastHolder()?.uid !== uid, { timeoutMs, what: 'a successor', intervalMs: 5 });
    t.diagnostic(`${left} left: handed over in ${Math.round(performance.now() - stoppedMs)} ms`);
    [holder, ...more] = await holders(staying.map((resolver) => resolver.uid));
  }
  assert.deepEqual(more, []);
  assert.equal(Number(holder?.split(' ')[1]), (epochs[0] ?? 0) + 2, 'each change of the holder is one epoch');
  assert.deepEqual(
    resolvers.flatMap(({ ends }) => ends),
    [],
  );
});

test('one that falls silent is succeeded, ends when it hears of it, and takes nothing back as a newcomer', async (t) => {
  const proxy = await startPausableProxy(testBus.nats.url);
  t.after(() => proxy.close());
  const silent = await startResolver(t, 'silent', proxy.url);
  await waitFor(() => lastHolder()?.uid === 'silent', { timeoutMs, what: 'the first to publish' });
  const standby = await startResolver(t, 'standby');
  await waitFor(() => standby.notReady().length === 0, { timeoutMs, what: 'the standby to be ready' });
  proxy.pause('to-server');
  await waitFor(() => lastHolder()?.uid === 'standby', { timeoutMs, what: 'the standby to publish' });
  proxy.resume();
  await waitFor(() => silent.ends.includes(exitCode.superseded), {
    timeoutMs,
    what: 'the silent one to end',
  });
  await silent.stop();
  const again = await startResolver(t, 'silent');
  await waitFor(() => again.notReady().length === 0, { timeoutMs, what: 'it to be ready again' });
  assert.deepEqual([...(await holders(['silent', 'standby']))].length, 1);
  assert.equal(lastHolder()?.uid, 'standby');
  assert.deepEqual(standby.ends, []);
});

test('a bus that stands still for longer than a silence changes no holder', async (t) => {
  const [one, two] = [await startResolver(t, 'one'), await startResolver(t, 'two')];
  await waitFor(() => [one, two].every(({ notReady }) => notReady().length === 0), {
    timeoutMs,
    what: 'both to be ready',
  });
  const [holder] = await holders(['one', 'two']);
  testBus.nats.sigstop();
  const stoppedMs = clock.monotonicMs();
  await waitFor(() => clock.monotonicMs() - stoppedMs > 12_000, { timeoutMs, what: 'two silences to pass' });
  testBus.nats.sigcont();
  assert.deepEqual([...(await holders(['one', 'two']))], [holder]);
  assert.deepEqual([...one.ends, ...two.ends], []);
});

test('one that may not hear its own heartbeats says so', async (t) => {
  const deaf = await startResolver(t, 'deaf', undefined, 'resolver-gcp');
  const what = 'does not hear its own heartbeats on latchkey.heartbeat.resolver.aws.*';
  await waitFor(() => deaf.notReady().join().includes(what), { timeoutMs, what: 'the reason' });
});
