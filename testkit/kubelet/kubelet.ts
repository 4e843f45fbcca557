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
import { freePorts } from '#testkit/processes/free-address.ts';
import type { Exit } from '#testkit/processes/guarded-process.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createReporter } from './pod-report.ts';
import type { NamespaceData } from './pod-view.ts';
import { createPodRun, type PodContext, type PodRun } from './running-pod.ts';

const syncIntervalMs = 200;
const startTimeoutMs = 60_000;
const webhookContainerPort = 9443;

/** A service process with the Pod object that stands for it. */
export interface ServicePod {
  name: string;
  uid: string;
  ports: PodContext['ports'];
  /** Folder under which the paths of its mounts lie. */
  root: string;
  run: PodRun;
  /** The process id of the moment; it changes when the process ends and is started again. */
  pid: () => number;
  /** Waits until its readiness probe succeeds; the error holds what `/readyz` says then. */
  untilReady: (timeoutMs?: number) => Promise<void>;
  readLog: () => Promise<string>;
  signal: (signal: NodeJS.Signals) => void;
  /** Takes it out of the Service, sends the signal, waits for the end, deletes the pod. */
  stop: (signal?: NodeJS.Signals) => Promise<Exit>;
  /** Kills it in the middle of whatever it does; no other takes its place. */
  kill: () => Promise<Exit>;
}

type KubeletContext = Omit<PodContext, 'folder' | 'ports' | 'codeFolder'> & {
  folder: string;
  manifests: Manifests;
};

/** Starts the stand-in for kubelet, endpoint controller and scheduler of the namespace `latchkey`. */
export function startKubelet(context: KubeletContext) {
  const { harness, manifests } = context;
  const service = findManifest(manifests, 'Service', webhookServiceName);
  const report = createReporter(harness, service, webhookContainerPort);
  const pods = new Map<string, { pod: V1Pod; address: string; handle: ServicePod }>();
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
    await report(
      present.map(({ pod, address, handle: { run } }) => ({
        pod,
        address,
        ready: run.isReady(),
        restarts: run.restarts(),
      })),
    );
  };
  const loop = async (): Promise<void> => {
    while (!stopped) {
      // The API server may be away: what it should hear is said in a later round.
      if (pods.size > 0) await sync().catch(() => undefined);
      await delay(syncIntervalMs, undefined, { ref: false });
    }
  };
  const looping = loop();

  const end = async (handle: ServicePod, signal: NodeJS.Signals): Promise<Exit> => {
    await handle.run.retire();
    const exit = (await handle.run.process()?.stop(signal)) ?? { code: null, signal: null };
    pods.delete(handle.name);
    await deletePod(harness, handle.name);
    return exit;
  };

  const startPod = async (
    serviceName: string,
    replica: number,
    own: Pick<PodContext, 'environment'> & Partial<Pick<PodContext, 'server' | 'codeFolder'>>,
  ) => {
    const { labels, spec, container } = podTemplate(manifests, serviceName);
    const name = `${serviceName}-${replica}`;
    const [health = 0, webhook = 0] = await freePorts(2);
    await deletePod(harness, name);
    const pod = await harness.core.createNamespacedPod({
      namespace: installationNamespace,
      body: { metadata: { name, labels }, spec },
    });
    const podContext: PodContext = {
      ...context,
      ...own,
      folder: join(context.folder, name),
      ports: { health, webhook },
      environment: { ...context.environment, ...own.environment },
    };
    const run = createPodRun(pod, container, podContext);
    const handle: ServicePod = {
      name,
      uid: pod.metadata?.uid ?? '',
      ports: podContext.ports,
      root: join(podContext.folder, 'root'),
      run,
      pid: () => run.process()?.pid ?? 0,
      untilReady: (timeoutMs = startTimeoutMs) => untilReady(name, run, health, timeoutMs),
      readLog: async () => (await run.process()?.readLog()) ?? '',
      signal: (signal) => run.process()?.signal(signal),
      stop: (signal = 'SIGTERM') => end(handle, signal),
      kill: () => end(handle, 'SIGKILL'),
    };
    pods.set(name, { pod, address: `10.244.0.${10 + created++}`, handle });
    await waitFor(() => run.process(), {
      timeoutMs: startTimeoutMs,
      what: `the Secrets and ConfigMaps that the pod ${name} mounts, and its process`,
    });
    return handle;
  };

  return {
    startPod,
    pods: () => [...pods.values()].map(({ handle }) => handle),
    /** Loopback ports behind the webhook's Service at this moment. */
    webhookTargets: () =>
      [...pods.values()]
        .filter(
          ({ pod, handle }) =>
            pod.metadata?.labels?.['app.kubernetes.io/name'] === 'gateway' && handle.run.isReady(),
        )
        .map(({ handle }) => handle.ports.webhook),
    stop: async (): Promise<void> => {
      stopped = true;
      await looping;
    },
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

async function untilReady(name: string, run: PodRun, healthPort: number, timeoutMs: number): Promise<void> {
  try {
    await waitFor(run.isReady, { timeoutMs, what: `${name} to be ready` });
  } catch (cause) {
    const state = await readinessText(healthPort).catch(String);
    const log = (await run.process()?.readLog()) ?? '';
    const text = `${(cause as Error).message}\nit says: ${state}\nits log ends:\n${log.slice(-3_000)}`;
    throw new Error(text, { cause });
  }
}

async function readinessText(healthPort: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${healthPort}/readyz`);
  return `${response.status} ${await response.text()}`;
}
