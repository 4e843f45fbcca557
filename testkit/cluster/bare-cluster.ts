import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServerPlace, startNatsCluster } from '#testkit/nats/nats-cluster.ts';
import { type NatsServer, type NatsStart, startNatsServer } from '#testkit/nats/nats-server.ts';
import { claimServiceRange, freePorts } from '#testkit/processes/free-ports.ts';
import { type ProcessGuard, startProcessGuard } from '#testkit/processes/process-guard.ts';
import { startOtlpGrpcSink } from '#testkit/telemetry/otlp-grpc-sink.ts';
import { startOtlpReceiver } from '#testkit/telemetry/otlp-receiver.ts';
import { cacheFolder } from '#tools/cache-folder.ts';
import { findPrograms } from '#tools/programs.ts';
import { createProgress } from '#tools/progress.ts';
import { startControlPlane } from './control-plane.ts';
import type { KubernetesClient } from './kubernetes-client.ts';

/** etcd, kube-apiserver, nats-server and an OTLP receiver, all of it in one temporary folder. */
export type BareCluster = Awaited<ReturnType<typeof startBareCluster>>;

export type BareClusterOptions = Pick<NatsStart, 'ownManagers' | 'adaptNats'> & {
  /** Three nats-servers as deploy/nats/cluster makes them, with nats.conf as it is; by default one. */
  natsServers?: 1 | 3;
  /** Admission plugins of kube-apiserver that are not enabled by default. */
  admissionPlugins?: readonly string[];
};

/**
 * Starts it from programs of the machine or the cache (built first when missing). Everything it started is
 * stopped and removed by `stop`, and also when this process ends in any other way.
 */
export async function startBareCluster(options: BareClusterOptions = {}) {
  const programs = await findPrograms({
    cacheFolder: cacheFolder(process.env),
    env: process.env,
    progress: createProgress(process.stderr),
  });
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'latchkey-cluster-'));
  const guard = startProcessGuard(folder);
  const logFolder = join(folder, 'logs');
  const range = await claimServiceRange();
  const [etcd = 0, etcdPeer = 0, apiServer = 0, otlpPort = 0, grpcPort = 0] = await freePorts(5);
  const otlp = await startOtlpReceiver(otlpPort);
  const sink = await startOtlpGrpcSink(grpcPort);
  const [controlPlane, natsServers] = await Promise.all([
    startControlPlane(
      {
        programs,
        ports: { etcd, etcdPeer, apiServer },
        serviceCidr: range.cidr,
        tracingEndpoint: `127.0.0.1:${grpcPort}`,
        folder,
        logFolder,
        admissionPlugins: options.admissionPlugins,
      },
      guard,
    ),
    startBus({ program: programs['nats-server'], folder: join(folder, 'nats'), logFolder }, options, guard),
  ]).catch(async (error) => {
    await guard.close();
    throw error;
  });
  const harness = controlPlane.clientOf('harness');

  return {
    ...controlPlane,
    folder,
    logFolder,
    guard,
    /** The only nats-server, or the first of three. */
    nats: natsServers[0],
    natsServers,
    natsUrl: natsServers.map(({ url }) => url).join(','),
    otlp,
    serviceRange: range.prefix,
    /** Clients of the harness itself, left out of the audit log. */
    harness,
    /** Typed clients that act as the user `admin`. */
    kubernetes: controlPlane.clientOf('admin'),
    /** Creates a namespace and what the controller manager would put there: its default ServiceAccount. */
    createNamespace: (name: string, labels: Record<string, string> = {}) =>
      createNamespace(harness, name, labels),
    /** Stops and removes everything. */
    stop: async (): Promise<void> => {
      sink.close();
      await otlp.close();
      await range.release();
      await guard.close();
    },
  };
}

async function createNamespace(
  { core }: KubernetesClient,
  name: string,
  labels: Record<string, string>,
): Promise<void> {
  await core.createNamespace({ body: { metadata: { name, labels } } });
  await core.createNamespacedServiceAccount({ namespace: name, body: { metadata: { name: 'default' } } });
}

async function startBus(
  place: ServerPlace,
  { natsServers = 1, ...options }: BareClusterOptions,
  guard: ProcessGuard,
): Promise<[NatsServer, ...NatsServer[]]> {
  if (natsServers === 3) return startNatsCluster(place, guard);
  const [port = 0, monitoringPort = 0] = await freePorts(2);
  return [await startNatsServer({ ...place, ...options, port, monitoringPort }, guard)];
}
