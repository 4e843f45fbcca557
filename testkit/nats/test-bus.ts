import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { type Logger, pino } from 'pino';
import { ensureBuckets } from '#shared/bus/link/buckets.ts';
import type { Bus, BusLink } from '#shared/bus/link/bus.ts';
import { connectServiceBus } from '#shared/bus/link/service-bus.ts';
import { streamOf } from '#shared/contracts/bus/bucket.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { freePorts } from '#testkit/processes/free-ports.ts';
import { type ProcessGuard, startProcessGuard } from '#testkit/processes/process-guard.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { cacheFolder } from '#tools/cache-folder.ts';
import { findPrograms } from '#tools/programs.ts';
import { createProgress } from '#tools/progress.ts';
import type { ServerPlace } from './nats-cluster.ts';
import { type NatsServer, startNatsServer, unlimitedUser } from './nats-server.ts';

type ServersStart = (place: ServerPlace, guard: ProcessGuard) => Promise<NatsServer[]>;

/** Real nats-servers with deploy/nats/nats.conf in a temporary folder, and connections to them. */
export interface TestBus {
  /** The only server, or the first of three. */
  nats: NatsServer;
  servers: readonly NatsServer[];
  /** What every connection logged, one JSON line each. */
  logLines: readonly string[];
  log: Logger;
  /** Exit codes with which a connection wanted to end the process. */
  ends: readonly number[];
  /** Folder with the files `username` and `password` of a user. */
  credentials(user: string, password?: string): Promise<string>;
  /** A connection as a user of nats.conf, or (by default) as one without limits, to any server; closed by `stop`. */
  connect(user?: string, through?: { credentialsFolder?: string; url?: string }): Promise<Bus>;
  /** The first connection's link of the user without limits, to do what operators and rogues do. */
  admin(): Promise<BusLink>;
  /** Deletes a bucket, if there is one; a server that has just been started may take several attempts. */
  deleteBucket(bucket: string): Promise<void>;
  /** Deletes a bucket and has this connection make all that are missing, as discovery does: an empty one. */
  renewBucket(bus: Bus, bucket: string): Promise<void>;
  stop(): Promise<void>;
}

/** @param startServers what runs; the first server's users and passwords hold for all */
export async function startTestBus(startServers: ServersStart = startOne): Promise<TestBus> {
  const { folder, guard, servers } = await startInNewFolder(startServers);
  const [nats] = servers as [NatsServer];
  const logLines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line) => logLines.push(line) });
  const ends: number[] = [];
  const buses: Bus[] = [];
  let admin: Promise<BusLink> | undefined;

  const credentials = async (user: string, password = nats.passwords[user] ?? '') => {
    const credentialsFolder = await mkdtemp(join(folder, 'credentials-'));
    await writeCredentials(credentialsFolder, user, password);
    return credentialsFolder;
  };
  const connect: TestBus['connect'] = async (user = unlimitedUser, through = {}) => {
    const bus = connectServiceBus(user, {
      process: {
        NATS_URL: through.url ?? servers.map(({ url }) => url).join(','),
        NATS_CREDENTIALS: through.credentialsFolder ?? (await credentials(user)),
        POD_NAME: 'test',
      },
      log,
      clock: systemClock,
      end: (code) => ends.push(code),
    });
    buses.push(bus);
    return bus;
  };
  const adminLink = () => {
    admin ??= connect().then((bus) => bus.linked());
    return admin;
  };
  const deleteBucket = async (bucket: string) => untilDeleted(await adminLink(), bucket);
  return {
    nats,
    servers,
    logLines,
    log,
    ends,
    credentials,
    connect,
    admin: adminLink,
    deleteBucket,
    async renewBucket(bus, bucket) {
      await deleteBucket(bucket);
      assert.equal(await ensureBuckets(bus, { log }), true);
    },
    async stop() {
      await Promise.allSettled(buses.map((bus) => bus.close()));
      await guard.close();
    },
  };
}

async function startInNewFolder(startServers: ServersStart) {
  const env = process.env;
  const programs = await findPrograms({
    cacheFolder: cacheFolder(env),
    env,
    progress: createProgress(process.stderr),
  });
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'latchkey-nats-'));
  const guard = startProcessGuard(folder);
  const place = {
    program: programs['nats-server'],
    folder: join(folder, 'nats'),
    logFolder: join(folder, 'logs'),
  };
  return { folder, guard, servers: await startServers(place, guard) };
}

async function untilDeleted({ jsm }: BusLink, bucket: string): Promise<void> {
  const isGone = () =>
    jsm.streams.delete(streamOf(bucket)).catch((err) => {
      if (err instanceof JetStreamApiError && err.code === JetStreamApiCodes.StreamNotFound) return true;
      throw err;
    });
  await waitFor(isGone, { timeoutMs: 10_000, what: `bucket ${bucket} to be gone` });
}

async function startOne(place: ServerPlace, guard: ProcessGuard): Promise<NatsServer[]> {
  const [port = 0, monitoringPort = 0] = await freePorts(2);
  return [await startNatsServer({ ...place, port, monitoringPort }, guard)];
}

/** Writes the two files of a kubernetes.io/basic-auth Secret. */
export async function writeCredentials(folder: string, username: string, password: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'username'), username);
  await writeFile(join(folder, 'password'), password);
}
