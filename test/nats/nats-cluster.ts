import { join } from 'node:path';
import type { JetStreamManager } from '@nats-io/jetstream';
import { freePorts } from '#test/cluster/free-address.ts';
import { type NatsServer, newPasswords, startNatsServer } from '#test/cluster/nats-server.ts';
import type { ProcessGuard } from '#test/cluster/process-guard.ts';
import { waitFor } from '#test/cluster/wait-for.ts';
import type { Program } from '#tools/programs.ts';

export type ClusterStart = { program: Program; folder: string; logFolder: string };

const size = 3;

/** Name of the server at an index, as its pod has. */
const serverName = (index: number): string => `latchkey-nats-${index}`;

/** Starts three servers with deploy/nats/cluster/nats-cluster.conf; resolves when each sees the cluster's metadata. */
export async function startNatsCluster(start: ClusterStart, guard: ProcessGuard): Promise<NatsServer[]> {
  const ports = await freePorts(3 * size);
  const [clients, monitors, routes] = [0, 1, 2].map((part) => ports.slice(part * size, (part + 1) * size));
  const passwords = await newPasswords();
  const starts = Array.from({ length: size }, (_, index) => {
    const membership = {
      name: serverName(index),
      port: routes?.[index] ?? 0,
      routes: (routes ?? []).map((port) => `127.0.0.1:${port}`),
    };
    const place = { port: clients?.[index] ?? 0, monitoringPort: monitors?.[index] ?? 0 };
    const folder = join(start.folder, serverName(index));
    return startNatsServer({ ...start, ...place, folder, passwords, membership }, guard);
  });
  return Promise.all(starts);
}

/** Index of the server that leads a stream. */
export async function leaderOf({ streams }: JetStreamManager, stream: string): Promise<number> {
  const ask = async () => (await streams.info(stream)).cluster?.leader?.split('-').at(-1);
  return Number(await waitFor(ask, { timeoutMs: 20_000, what: `a leader of ${stream}` }));
}
