import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureBuckets } from '#shared/bus/link/buckets.ts';
import type { Publisher } from '#shared/bus/publish/publisher.ts';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { publishRules } from '#testkit/gateway/publish-rules.ts';
import { startTestBus, type TestBus } from '#testkit/nats/test-bus.ts';

const owner = 'k8s';
const mostBytes = 64 * 1_024 * 1_024;
const settlingMs = 6_000;
const restMs = 20_000;

/** What a follower has now: its number, and when its set came into force, ms of the machine's clock. */
export interface Applied {
  follower: number;
  atMs: number;
}

/** How one number of followers got the changes. */
export interface FanOutRow {
  followers: number;
  /** From the wish to the last set in force of a change, ms. */
  'last p50 ms': number;
  /** From the wish to a set in force, all followers and changes, ms. */
  'p50 ms': number;
  'p99 ms': number;
  'most ms': number;
  /** What the server sent for a change, bytes a follower. */
  'bytes sent': number;
  /** What the server sends without any change, bytes a second and follower. */
  'at rest, B/s': number;
}

/** Has followers of growing number follow one set, and changes one entry again and again. */
export async function measureFanOut(
  { entries, changes, followers }: { entries: number; changes: number; followers: readonly number[] },
  say: (line: string) => void,
): Promise<FanOutRow[]> {
  const testBus = await startTestBus();
  try {
    await ensureBuckets(await testBus.connect(), { log: testBus.log });
    const bus = await testBus.connect(`resolver-${owner}`);
    const publisher = await publishRules(
      { bus, mostBytes, log: testBus.log },
      { publishes: owner, entries, clock: systemClock },
    );
    const rows: FanOutRow[] = [];
    for (const count of followers) {
      rows.push(await measureFollowers(testBus, publisher, { count, changes }));
      say(`${count} followers had ${changes} changes`);
    }
    await publisher.stop();
    return rows;
  } finally {
    await testBus.stop();
  }
}

async function measureFollowers(
  testBus: TestBus,
  publisher: Publisher,
  { count, changes }: { count: number; changes: number },
): Promise<FanOutRow> {
  const followers = await startFollowers(testBus, count);
  const delaysMs: number[] = [];
  const lastMs: number[] = [];
  const bytesBefore = await bytesSent(testBus);
  for (let change = 0; change < changes; change += 1) {
    const wishedAtMs = performance.timeOrigin + performance.now();
    const applied = followers.allApply();
    publisher.put(keyOf(change), { schema: 1, items: { [`changed-${count}-${change}/password`]: {} } });
    const ofChange = (await applied).map((atMs) => atMs - wishedAtMs).sort((a, b) => a - b);
    delaysMs.push(...ofChange);
    lastMs.push(ofChange.at(-1) ?? Number.NaN);
  }
  const bytes = (await bytesSent(testBus)) - bytesBefore;
  // Followers look at the stream more often for a while after a change.
  await sleep(settlingMs);
  const restBefore = await bytesSent(testBus);
  await sleep(restMs);
  const restBytes = (await bytesSent(testBus)) - restBefore;
  await followers.stop();
  const at = (values: number[], share: number): number =>
    Number((values.sort((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN).toFixed(1));
  return {
    followers: count,
    'last p50 ms': at(lastMs, 0.5),
    'p50 ms': at(delaysMs, 0.5),
    'p99 ms': at(delaysMs, 0.99),
    'most ms': at(delaysMs, 1),
    'bytes sent': Math.round(bytes / changes / count),
    'at rest, B/s': Math.round((restBytes * 1_000) / restMs / count),
  };
}

const keyOf = (change: number): string =>
  formatKey({ owner, kind: 'entry', namespace: 'team-0', secret: `changed-${change % 10}` });

/** Starts a process with so many followers, and waits until each has the set. */
async function startFollowers(testBus: TestBus, count: number) {
  const program = join(import.meta.dirname, 'follower-process.ts');
  const credentials = await testBus.credentials('gateway');
  const child = fork(program, [testBus.nats.url, credentials, owner, `${count}`]);
  const exited = once(child, 'exit');
  let waiting = new Map<number, number>();
  let allThere = Promise.withResolvers<number[]>();
  exited.then(() => allThere.reject(new Error('the process of the followers ended')));
  child.on('message', (message) => {
    const { follower, atMs } = message as Applied;
    if (!waiting.has(follower)) waiting.set(follower, atMs);
    if (waiting.size === count) allThere.resolve([...waiting.values()]);
  });
  const allApply = (): Promise<number[]> => {
    waiting = new Map();
    allThere = Promise.withResolvers();
    return allThere.promise;
  };
  await allThere.promise;
  return {
    /** Resolves to when each follower has its next set, ms of the machine's clock. */
    allApply,
    stop: async () => {
      allThere.promise.catch(() => undefined);
      child.disconnect();
      await exited;
    },
  };
}

async function bytesSent({ nats }: TestBus): Promise<number> {
  const answer = await fetch(`${nats.monitoringUrl}/varz`);
  return ((await answer.json()) as { out_bytes: number }).out_bytes;
}
