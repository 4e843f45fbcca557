import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { JetStreamManager } from '@nats-io/jetstream';
import type { BusLink } from '#shared/bus/link/bus.ts';
import { readSince } from '#shared/bus/records/stored-records.ts';
import { freePorts } from '#testkit/processes/free-ports.ts';
import type { ProcessGuard } from '#testkit/processes/process-guard.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { type NatsServer, type NatsStart, newPasswords, startNatsServer } from './nats-server.ts';
import type { TestBus } from './test-bus.ts';

/** Where servers run: each in a folder of its own under `folder`. */
export type ServerPlace = Pick<NatsStart, 'program' | 'folder' | 'logFolder'>;

const size = 3;

/** Name of the server at an index, as its pod has. */
const serverName = (index: number): string => `latchkey-nats-${index}`;

/** Three servers with deploy/nats/cluster/nats-cluster.conf that know each other; none is started. */
export async function planNatsCluster(
  place: ServerPlace,
): Promise<Required<Omit<NatsStart, 'ownManagers' | 'adaptNats'>>[]> {
  const ports = await freePorts(3 * size);
  const passwords = await newPasswords();
  const routes = ports.slice(0, size).map((port) => `127.0.0.1:${port}`);
  return routes.map((_, index) => ({
    ...place,
    folder: join(place.folder, serverName(index)),
    port: ports[size + index] ?? 0,
    monitoringPort: ports[2 * size + index] ?? 0,
    passwords,
    membership: { name: serverName(index), port: ports[index] ?? 0, routes },
  }));
}

/** Starts three servers; resolves when each sees the cluster's metadata. */
export async function startNatsCluster(
  place: ServerPlace,
  guard: ProcessGuard,
): Promise<[NatsServer, ...NatsServer[]]> {
  const plans = await planNatsCluster(place);
  const servers = await Promise.all(plans.map((plan) => startNatsServer(plan, guard)));
  return servers as [NatsServer, ...NatsServer[]];
}

/** Index of the server that leads a stream. */
export async function leaderOf(streams: JetStreamManager['streams'], stream: string): Promise<number> {
  const ask = async () => (await streams.info(stream)).cluster?.leader?.split('-').at(-1);
  return Number(await waitFor(ask, { timeoutMs: 20_000, what: `a leader of ${stream}` }));
}

/** Waits until every server, asked by itself, has the same records of a bucket; returns how many. */
export async function untilServersAgree(testBus: TestBus, bucket: string): Promise<number> {
  const links = await Promise.all(
    testBus.servers.map(async ({ url }) => (await testBus.connect(undefined, { url })).linked()),
  );
  const recordsOf = async (link: BusLink) => {
    const query = { bucket, keys: '>', mostBytes: Infinity, beyond: 'refuse' } as const;
    const { records } = await readSince(link, query, { afterRevision: 0, isKnown: () => true });
    return Array.from(
      records.values(),
      ({ key, revision, bytes }) => `${revision} ${key} ${Buffer.from(bytes).toString()}`,
    );
  };
  const isSame = async () => {
    const [first = [], ...others] = await Promise.all(links.map(recordsOf));
    for (const other of others) assert.deepEqual(other, first);
    return first.length;
  };
  return waitFor(isSame, { timeoutMs: 20_000, what: `every server to have the same records of ${bucket}` });
}
