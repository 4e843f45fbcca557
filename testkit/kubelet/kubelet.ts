import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { webhookServiceName } from '#testkit/cluster/installation.ts';
import type { KubernetesClient } from '#testkit/cluster/kubernetes-client.ts';
import {
  findManifest,
  installationNamespace,
  type Manifests,
  podTemplate,
} from '#testkit/cluster/manifests.ts';
import { freePorts } from '#testkit/processes/free-ports.ts';
import type { Exit } from '#testkit/processes/guarded-process.ts';
import type { NamespaceData } from './mounted-volumes.ts';
import { createPodReporter } from './pod-reporter.ts';
import { createPodRun, type PodContext } from './pod-run.ts';
import { type ServicePod, servicePod, untilStarted } from './service-pod.ts';

const syncIntervalMs = 200;
const webhookContainerPort = 9443;

type KubeletContext = Omit<PodContext, 'folder' | 'ports' | 'codeFolder'> & {
  folder: string;
  manifests: Manifests;
};

/** What a pod has besides, or instead of, what all have. */
type OwnContext = Pick<PodContext, 'environment'> & Partial<Pick<PodContext, 'server' | 'codeFolder'>>;

interface KnownPod {
  pod: V1Pod;
  address: string;
  handle: ServicePod;
}

/** Starts the stand-in for kubelet, endpoint controller and scheduler of the namespace `latchkey`. */
export function startKubelet(context: KubeletContext) {
  const { harness, manifests } = context;
  const service = findManifest(manifests, 'Service', webhookServiceName);
  const report = createPodReporter(harness, service, webhookContainerPort);
  const pods = new Map<string, KnownPod>();
  let created = 0;
  let known: NamespaceData | undefined;
  let stopped = false;

  const sync = async (): Promise<void> => {
    // As a kubelet does, go on with what is known while the API server is away.
    known = await readNamespace(harness).catch(() => known);
    const data = known;
    if (data === undefined) return;
    const present = [...pods.values()];
    await Promise.allSettled(present.map(({ handle }) => handle.run.sync(data)));
    await report(present.map(reportOf));
  };
  const loop = async (): Promise<void> => {
    while (!stopped) {
      // The API server may be away: what it should hear is said in a later round.
      if (pods.size > 0) await sync().catch(() => undefined);
      await delay(syncIntervalMs, undefined, { ref: false });
    }
  };
  const looping = loop();

  const end = async ({ name, run }: ServicePod, signal: NodeJS.Signals): Promise<Exit> => {
    await run.retire();
    const exit = (await run.process()?.stop(signal)) ?? { code: null, signal: null };
    pods.delete(name);
    await deletePod(harness, name);
    return exit;
  };

  const startPod = async (serviceName: string, replica: number, own: OwnContext): Promise<ServicePod> => {
    const { pod, container } = await createPod(context, serviceName, `${serviceName}-${replica}`);
    const podContext = await contextOf(context, pod, own);
    const run = createPodRun(pod, container, podContext);
    const handle: ServicePod = servicePod(pod, run, podContext, (signal) => end(handle, signal));
    pods.set(handle.name, { pod, address: `10.244.0.${10 + created++}`, handle });
    await untilStarted(handle);
    return handle;
  };

  return {
    startPod,
    pods: () => [...pods.values()].map(({ handle }) => handle),
    /** Loopback ports behind the webhook's Service at this moment. */
    webhookTargets: () => [...pods.values()].filter(isReadyGateway).map(({ handle }) => handle.ports.webhook),
    stop: async (): Promise<void> => {
      stopped = true;
      await looping;
    },
  };
}

const reportOf = ({ pod, address, handle: { run } }: KnownPod) => ({
  pod,
  address,
  ready: run.isReady(),
  restarts: run.restarts(),
});

const isReadyGateway = ({ pod, handle }: KnownPod): boolean =>
  pod.metadata?.labels?.['app.kubernetes.io/name'] === 'gateway' && handle.run.isReady();

/** Creates the pod of a service's Deployment, in place of one that had its name. */
async function createPod({ harness, manifests }: KubeletContext, serviceName: string, name: string) {
  const { labels, spec, container } = podTemplate(manifests, serviceName);
  await deletePod(harness, name);
  const pod = await harness.core.createNamespacedPod({
    namespace: installationNamespace,
    body: { metadata: { name, labels }, spec },
  });
  return { pod, container };
}

async function contextOf(context: KubeletContext, { metadata }: V1Pod, own: OwnContext): Promise<PodContext> {
  const [health = 0, webhook = 0] = await freePorts(2);
  return {
    ...context,
    ...own,
    folder: join(context.folder, metadata?.name ?? ''),
    ports: { health, webhook },
    environment: { ...context.environment, ...own.environment },
  };
}

async function readNamespace({ core }: KubernetesClient): Promise<NamespaceData> {
  const namespace = installationNamespace;
  const [secrets, configMaps] = await Promise.all([
    core.listNamespacedSecret({ namespace }),
    core.listNamespacedConfigMap({ namespace }),
  ]);
  return {
    secrets: new Map(secrets.items.map((secret) => [secret.metadata?.name ?? '', secret])),
    configMaps: new Map(configMaps.items.map((map) => [map.metadata?.name ?? '', map])),
  };
}

/** A pod outlives its process while the API server is away; it is deleted at the latest when its name is used again. */
async function deletePod({ core }: KubernetesClient, name: string): Promise<void> {
  await core
    .deleteNamespacedPod({ name, namespace: installationNamespace, gracePeriodSeconds: 0 })
    .catch(() => undefined);
}
