import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { startKubelet } from '#testkit/kubelet/kubelet.ts';
import { unlimitedUser } from '#testkit/nats/nats-server.ts';
import { type BareCluster, type BareClusterOptions, startBareCluster } from './bare-cluster.ts';
import {
  type ConfigInput,
  configMapData,
  configMapName,
  type Installation,
  installationObjects,
  webhookServicePort,
} from './installation.ts';
import { copyResolver, installationNamespace, loadManifests, loadResolver } from './manifests.ts';
import { type BalancerOptions, startServiceProxy } from './service-proxy.ts';

/** A bare cluster with deploy/ applied, and the stand-ins that run its services as processes. */
export type Cluster = Awaited<ReturnType<typeof startCluster>>;

interface ServiceStart {
  replica?: number;
  environment?: Record<string, string>;
  /** Base URL under which it reaches the API server instead of the real one: a proxy in front of it. */
  apiServer?: string;
  /** Folder of the code to run, where it is another version than this checkout. */
  codeFolder?: string;
}

type ClusterOptions = BareClusterOptions & {
  config?: ConfigInput;
  /** Managers of deploy/variants whose resolvers are installed besides those of deploy/. */
  managers?: readonly string[];
  /** How the stand-in for kube-proxy behaves; by default it knows of a change at once. */
  balancer?: BalancerOptions;
};

/** Lets services use what tests have compiled, where those keep it: half of a start is compilation. */
const sharedCompileCache = ({ NODE_COMPILE_CACHE: folder }: NodeJS.ProcessEnv): Record<string, string> =>
  folder === undefined ? {} : { NODE_COMPILE_CACHE: resolve(folder) };

/**
 * Starts a cluster and applies deploy/ to it; no service runs yet. `config` is latchkey.yaml, section by section over
 * deploy/latchkey.yaml. Stopped by `stop`, and whenever this process ends.
 */
export async function startCluster(options: ClusterOptions = {}) {
  const { managers = [], ownManagers = {} } = options;
  const bare = await startBareCluster(options);
  const resolvers = [...managers.map(loadResolver), ...Object.keys(ownManagers).map(copyResolver)];
  const manifests = [...(await loadManifests(bare.kubectl)), ...(await Promise.all(resolvers)).flat()];
  const podFolder = join(bare.folder, 'pods');
  const { [unlimitedUser]: _, ...servicePasswords } = bare.nats.passwords;
  const installation: Installation = {
    manifests,
    config: options.config ?? {},
    globalSecretsFolder: join(podFolder, 'discovery-0/root/etc/secrets'),
    webhookAddress: `${bare.serviceRange}.0.100`,
    natsPasswords: servicePasswords,
  };
  await install(bare, installation);
  const kubelet = startKubelet({
    harness: bare.harness,
    guard: bare.guard,
    server: bare.server,
    authority: bare.authority,
    folder: podFolder,
    logFolder: bare.logFolder,
    manifests,
    environment: {
      NATS_URL: bare.natsUrl,
      OTEL_EXPORTER_OTLP_ENDPOINT: bare.otlp.endpoint,
      OTEL_TRACES_SAMPLER_ARG: '1',
      ...sharedCompileCache(process.env),
    },
  });
  const proxy = await startServiceProxy(
    installation.webhookAddress,
    webhookServicePort,
    kubelet.webhookTargets,
    options.balancer,
  );

  return {
    ...bare,
    manifests,
    /** The services that run at this moment. */
    services: kubelet.pods,
    /** Loopback ports of the gateways that the stand-in for kube-proxy gives new connections to at this moment. */
    balancedTargets: proxy.targets,
    /**
     * Starts a service with the args, variables, mounts, ServiceAccount and NATS user of its Deployment in deploy/.
     * Resolves when its process runs, which waits for the Secrets it mounts; `untilReady` waits for readiness.
     */
    startService: (name: string, start: ServiceStart = {}) => {
      const { replica = 0, environment = {}, apiServer: server, codeFolder } = start;
      return kubelet.startPod(name, replica, {
        environment,
        ...(server === undefined ? {} : { server }),
        ...(codeFolder === undefined ? {} : { codeFolder }),
      });
    },
    /** Replaces latchkey.yaml and the files beside it in their ConfigMap; running services see it as from a kubelet. */
    configure: async (config: ConfigInput, files: Readonly<Record<string, string>> = {}): Promise<void> => {
      const data = configMapData({ ...installation, config, files });
      await bare.harness.core.replaceNamespacedConfigMap({
        name: configMapName,
        namespace: installationNamespace,
        body: { metadata: { name: configMapName }, data },
      });
    },
    /** Writes the file of a global secret where discovery looks for it. */
    writeGlobalSecret: (group: string, key: string, value: string) =>
      writeInFolder(join(installation.globalSecretsFolder, group), key, value),
    stop: async (): Promise<void> => {
      await kubelet.stop();
      await proxy.close();
      await bare.stop();
    },
  };
}

/** Creates the objects of an installation, or stops the cluster. */
async function install({ kubectl, stop }: BareCluster, installation: Installation): Promise<void> {
  const objects = installationObjects(installation).map((object) => JSON.stringify(object));
  await kubectl(['create', '-f', '-'], objects.join('\n')).catch(async (error) => {
    await stop();
    throw error;
  });
}

async function writeInFolder(folder: string, name: string, content: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), content);
}
