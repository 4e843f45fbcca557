import type { Logger } from 'pino';
import { ensureBuckets } from '#shared/bus/link/buckets.ts';
import type { Bus } from '#shared/bus/link/bus.ts';
import { createPublisher, type Publisher } from '#shared/bus/publish/publisher.ts';
import { rulesBucket as bucket, streamOf } from '#shared/contracts/bus/bucket.ts';
import { heartbeatIntervalMs } from '#shared/contracts/bus/heartbeat.ts';
import type { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import {
  type ChangingSet,
  followChanges,
  type JudgingReader,
  startChanges,
  untilAllHold,
} from './changing-set.ts';
import { leaderOf, startNatsCluster, untilServersAgree } from './nats-cluster.ts';
import type { NatsServer } from './nats-server.ts';
import { startTestBus, type TestBus } from './test-bus.ts';

const owner = 'k8s';
const convergenceTimeoutMs = 45_000;

/** Three servers, one bucket on all of them, a publisher that changes its set all the time, and readers that judge. */
export interface ClusterRun {
  testBus: TestBus;
  /** One that begins at each server, and two that begin at any. */
  readers: readonly JudgingReader[];
  /** The server that leads the bucket. */
  leader(): Promise<NatsServer>;
  /** A server that follows it. */
  follower(): Promise<NatsServer>;
  /** Starts another publisher of the set; resolves when the one before has given up. */
  takeOver(): Promise<void>;
  /** Waits until every one of so many readers holds a state wanted after this call; resolves with the time, ms. */
  untilMoved(atLeast?: number): Promise<number>;
  /** Stops the changes, waits until every reader holds exactly what is wanted, goes on; resolves with the time, ms. */
  settle(): Promise<number>;
  /** Stops the changes, waits until every server has the same records, goes on; resolves with their number. */
  untilServersAgree(): Promise<number>;
  /** How many changes were wanted so far. */
  changes(): number;
  /** What came into force though it never may, and whether the publisher took its own records for another's. */
  wrong(): string[];
  stop(): Promise<void>;
}

/** Starts it and waits until every reader holds the set. */
export async function startClusterRun(): Promise<ClusterRun> {
  const testBus = await startTestBus(startNatsCluster);
  try {
    const run = await observe(testBus);
    await run.settle();
    return run;
  } catch (err) {
    await testBus.stop();
    throw err;
  }
}

async function observe(testBus: TestBus): Promise<ClusterRun> {
  const { log, servers } = testBus;
  const discovery = await testBus.connect('discovery');
  await untilReplicated(discovery, log);
  const publishers: { publisher: Publisher; superseded: LatchkeyError[] }[] = [];
  const startPublisher = async () => {
    const superseded: LatchkeyError[] = [];
    const publisher = createPublisher(await testBus.connect('resolver-k8s'), {
      ...{ bucket, owner, log, clock: systemClock },
      onSuperseded: (error) => superseded.push(error),
    });
    publishers.push({ publisher, superseded });
    return publisher;
  };
  const changing = startChanges(await startPublisher(), owner);
  const readers = await followEverywhere(testBus, changing);
  const { jsm } = await testBus.admin();
  const leader = async () => servers[await leaderOf(jsm.streams, streamOf(bucket))] as NatsServer;
  // As heartbeats do: a reader whose server has stopped following knows from this alone.
  const stopConfirming = systemClock.every(heartbeatIntervalMs, () => {
    const published = publishers.at(-1)?.publisher.published();
    if (published !== undefined) for (const { reader } of readers) reader.confirm([published]);
  });
  return {
    testBus,
    readers,
    leader,
    follower: async () => {
      const leading = await leader();
      return servers.find((server) => server !== leading) as NatsServer;
    },
    takeOver: async () => {
      const before = publishers.at(-1);
      changing.join(await startPublisher());
      const isOver = () => before?.superseded.length === 1;
      await waitFor(isOver, { timeoutMs: convergenceTimeoutMs, what: 'the publisher before to give up' });
    },
    untilMoved: (atLeast = 1) => untilMoved(readers, changing, atLeast),
    settle: async () => {
      changing.pause();
      const replicas = async () => JSON.stringify((await jsm.streams.info(streamOf(bucket))).cluster);
      const tookMs = await untilAllHold(readers, changing, convergenceTimeoutMs).catch(async (cause) => {
        throw new Error(`the readers do not agree, with ${await replicas()}`, { cause });
      });
      changing.resume();
      return tookMs;
    },
    untilServersAgree: async () => {
      changing.pause();
      const records = await untilServersAgree(testBus, bucket);
      changing.resume();
      return records;
    },
    changes: changing.state,
    wrong: () => [
      ...readers.flatMap((reader) => reader.wrong),
      ...(publishers.at(-1)?.superseded ?? []).map(({ message }) => message),
    ],
    stop: async () => {
      changing.stop();
      stopConfirming();
      await Promise.all(publishers.map(({ publisher }) => publisher.stop()));
      await Promise.all(readers.map(({ reader }) => reader.stop()));
      await testBus.stop();
    },
  };
}

const untilReplicated = (discovery: Bus, log: Logger): Promise<unknown> =>
  waitFor(() => ensureBuckets(discovery, { log, replicas: 3 }), {
    timeoutMs: 20_000,
    what: 'buckets on three servers',
  });

const followEverywhere = (testBus: TestBus, changing: ChangingSet): Promise<JudgingReader[]> =>
  Promise.all(
    [...testBus.servers.map(({ url }) => ({ url })), {}, {}].map((place, index) =>
      followChanges(testBus, changing, { bucket, owner, name: `reader-${index}`, user: 'gateway', ...place }),
    ),
  );

async function untilMoved(
  readers: readonly JudgingReader[],
  changing: ChangingSet,
  atLeast: number,
): Promise<number> {
  const startMs = performance.now();
  const before = changing.state();
  await waitFor(() => readers.filter(({ state }) => state() > before).length >= atLeast, {
    timeoutMs: convergenceTimeoutMs,
    what: `${atLeast} readers to hold a state after ${before}`,
    intervalMs: 5,
  });
  return Math.round(performance.now() - startMs);
}

/** How long nothing new came into force for anybody, and for the last reader, ms. */
export interface Stall {
  firstMs: number;
  lastMs: number;
}

/** The time from now until changes get through again. */
export async function measureStall(run: ClusterRun): Promise<Stall> {
  const [firstMs, lastMs] = await Promise.all([run.untilMoved(), run.untilMoved(run.readers.length)]);
  return { firstMs, lastMs };
}

/** Kills the leader of the bucket, waits until changes get through, starts it again, waits until everybody agrees. */
export async function killLeader(run: ClusterRun): Promise<Stall & { settledMs: number }> {
  const victim = await run.leader();
  await victim.kill9();
  const stall = await measureStall(run);
  await victim.start();
  return { ...stall, settledMs: await run.settle() };
}
