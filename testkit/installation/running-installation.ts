import type { BareClusterOptions } from '#testkit/cluster/bare-cluster.ts';
import { type Cluster, startCluster } from '#testkit/cluster/cluster.ts';
import type { ConfigInput } from '#testkit/cluster/installation.ts';
import { installationNamespace } from '#testkit/cluster/manifests.ts';
import type { BalancerOptions } from '#testkit/cluster/service-proxy.ts';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import { asDeployed, type OwnManagers } from '#testkit/nats/nats-server.ts';

/** Label that selects a namespace in deploy/latchkey.yaml. */
export const selectedLabels = { 'latchkey.dev/secrets': 'enabled' };

/** Secret of deploy/discovery.yaml whose keys become discovery's variables. */
const globalVariablesSecret = 'global-secrets-environment';

/** A cluster with every service of deploy/ running and ready. */
export interface RunningInstallation {
  cluster: Cluster;
  certManager: ServicePod;
  discovery: ServicePod;
  resolvers: { global: ServicePod; k8s: ServicePod };
  gateways: ServicePod[];
  stop(): Promise<void>;
}

/** What differs from deploy/ as it is, and what is there before the services start. */
export interface InstallationOptions extends Pick<BareClusterOptions, 'natsServers' | 'adaptNats'> {
  config?: ConfigInput;
  /** Managers whose resolvers run besides those of a default installation. */
  managers?: readonly string[];
  /** Managers of the operator's own whose resolvers are installed and do not run yet. */
  ownManagers?: OwnManagers;
  /** Files of global secrets, `group/key` -> value. */
  globals?: Readonly<Record<string, string>>;
  /** Variables of global secrets, `FLYTE_SECRET_<GROUP>_<KEY>` -> value. */
  globalVariables?: Readonly<Record<string, string>>;
  gateways?: number;
  balancer?: BalancerOptions;
  environment?: Record<string, string>;
  /** Called with the cluster before any service runs. */
  prepare?: (cluster: Cluster) => Promise<void>;
}

/** Starts a cluster and all services at once, as an operator's `kubectl apply` would, and waits until each is ready. */
export async function startInstallation(options: InstallationOptions = {}): Promise<RunningInstallation> {
  const { config = {}, managers = [], ownManagers = {}, balancer = {} } = options;
  const { natsServers = 1, adaptNats = asDeployed } = options;
  const cluster = await startCluster({ config, managers, ownManagers, balancer, natsServers, adaptNats });
  try {
    for (const [path, value] of Object.entries(options.globals ?? {})) {
      const [group = '', key = ''] = path.split('/');
      await cluster.writeGlobalSecret(group, key, value);
    }
    if (options.globalVariables !== undefined) {
      await cluster.harness.core.createNamespacedSecret({
        namespace: installationNamespace,
        body: { metadata: { name: globalVariablesSecret }, stringData: { ...options.globalVariables } },
      });
    }
    await options.prepare?.(cluster);
    return await startServices(cluster, options);
  } catch (err) {
    await cluster.stop();
    throw err;
  }
}

async function startServices(
  cluster: Cluster,
  { gateways: gatewayCount = 1, environment = {}, managers = [] }: InstallationOptions,
): Promise<RunningInstallation> {
  const replicas = Array.from({ length: gatewayCount }, (_, replica) => replica);
  const more = managers.map((manager) => cluster.startService(`resolver-${manager}`, { environment }));
  const [certManager, discovery, global, k8s, ...gateways] = await Promise.all([
    cluster.startService('cert-manager', { environment }),
    cluster.startService('discovery', { environment }),
    cluster.startService('resolver-global', { environment }),
    cluster.startService('resolver-k8s', { environment }),
    ...replicas.map((replica) => cluster.startService('gateway', { replica, environment })),
  ]);
  await Promise.all(more);
  await Promise.all(cluster.services().map((service) => service.untilReady()));
  return { cluster, certManager, discovery, resolvers: { global, k8s }, gateways, stop: cluster.stop };
}
