import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { projectFolder } from '#deploy/compose/projected-folder.ts';
import { type KubernetesClient, kubeconfigOf } from '#testkit/cluster/kubernetes-client.ts';
import { type GuardedProcess, startGuardedProcess } from '#testkit/processes/guarded-process.ts';
import type { ProcessGuard } from '#testkit/processes/process-guard.ts';
import {
  type Content,
  containerVariables,
  contentOnHost,
  mountedVolumes,
  type NamespaceData,
  onHost,
  volumeContent,
} from './mounted-volumes.ts';

interface PodPorts {
  health: number;
  webhook: number;
}

export interface PodContext {
  harness: KubernetesClient;
  guard: ProcessGuard;
  server: string;
  authority: string;
  /** Folder of the pod; mount paths lie under `root` in it. */
  folder: string;
  logFolder: string;
  ports: PodPorts;
  /** Variables that are the harness's own: addresses of the bus and the OTLP receiver. */
  environment: Readonly<Record<string, string>>;
  /** Folder of the code that it runs, where it is another version than this checkout. */
  codeFolder?: string;
}

/** A container of the manifests run as a process of this machine. */
export interface PodRun {
  process: () => GuardedProcess | undefined;
  /** What the last readiness probe said. */
  isReady: () => boolean;
  /** Brings volumes, process and readiness in line with the cluster; called again and again. */
  sync: (data: NamespaceData) => Promise<void>;
  /** How often its process was started again. */
  restarts: () => number;
  /** No more starts, and not ready from now on; a process that runs goes on. */
  retire: () => Promise<void>;
}

const repository = join(import.meta.dirname, '../..');
/** Defaults of a Kubernetes probe: its timeout, and how many in a row that nobody answers count as a failure. */
const probeTimeoutMs = 1_000;
const silentProbes = 3;
const firstBackoffMs = 250;
const longestBackoffMs = 5_000;
/** As long as a demo that is kept running may be looked at. */
const tokenSeconds = 86_400;

/** A created pod about to run. Does what a kubelet does, and like it starts the process again when that ends. */
export function createPodRun(pod: V1Pod, container: V1Container, context: PodContext): PodRun {
  const root = join(context.folder, 'root');
  const volumes = mountedVolumes(pod, container);
  const mountPaths = volumes.map(({ mountPath }) => mountPath);
  const projectVolumes = createProjection(volumes, root);
  let wanted = true;
  let ready = false;
  let process: GuardedProcess | undefined;
  let starts = 0;
  let silences = 0;
  let notBeforeMs = 0;
  let syncing: Promise<void> = Promise.resolve();

  const launch = async (data: NamespaceData): Promise<void> => {
    const variables = containerVariables(pod, container, data);
    if (variables === 'missing') return;
    const own = await ownVariables(pod, context);
    const mapped = mapValues(variables, (value) => onHost(value, root, mountPaths));
    const launched = await startGuardedProcess(
      {
        name: pod.metadata?.name ?? '',
        command: globalThis.process.execPath,
        args: (container.args ?? []).map((arg) => onHost(arg, root, mountPaths)),
        env: { ...mapped, ...own },
        folder: context.codeFolder ?? repository,
        logFolder: context.logFolder,
      },
      context.guard,
    );
    process = launched;
    starts += 1;
    void launched.exited.then(() => {
      ready = false;
      notBeforeMs = performance.now() + restartPauseMs(starts);
    });
  };

  const sync = async (data: NamespaceData): Promise<void> => {
    if (!wanted || !(await projectVolumes(data))) return;
    if (!process?.isRunning() && performance.now() >= notBeforeMs) await launch(data);
    const answer = await probe(container, context.ports.health);
    silences = answer === 'silent' ? silences + 1 : 0;
    const keeps = ready && answer === 'silent' && silences < silentProbes;
    ready = wanted && process?.isRunning() === true && (answer === 'ready' || keeps);
  };

  return {
    process: () => process,
    isReady: () => ready,
    restarts: () => Math.max(starts - 1, 0),
    sync: (data) => {
      syncing = sync(data);
      return syncing;
    },
    retire: async () => {
      wanted = false;
      ready = false;
      await syncing.catch(() => undefined);
    },
  };
}

const restartPauseMs = (starts: number): number => Math.min(longestBackoffMs, firstBackoffMs * 2 ** starts);

const mapValues = (variables: Readonly<Record<string, string>>, map: (value: string) => string) =>
  Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, map(value)]));

/** Returns a function that writes what has changed of the volumes; it returns false while one of them is missing. */
function createProjection(volumes: ReturnType<typeof mountedVolumes>, root: string) {
  const mountPaths = volumes.map(({ mountPath }) => mountPath);
  const projected = new Map<string, string>();
  return async (data: NamespaceData): Promise<boolean> => {
    for (const { mountPath, volume } of volumes) {
      const found = volumeContent(volume, data);
      if (found === 'missing') return false;
      // latchkey.yaml names mounts too.
      const content = volume.configMap === undefined ? found : contentOnHost(found, root, mountPaths);
      const digest = digestOf(content);
      if (projected.get(mountPath) !== digest) await projectFolder(join(root, mountPath), content);
      projected.set(mountPath, digest);
    }
    return true;
  };
}

function digestOf(content: Content): string {
  const hash = createHash('sha256');
  for (const [name, bytes] of content) hash.update(`${name}\0${bytes.byteLength}\0`).update(bytes);
  return hash.digest('hex');
}

/** Ports and addresses of this cluster and, only where the manifest mounts a token, a KUBECONFIG with a real one. */
async function ownVariables(pod: V1Pod, context: PodContext): Promise<Record<string, string>> {
  const { harness, server, authority, folder, ports, environment } = context;
  const { name = '', namespace = '', uid = '' } = pod.metadata ?? {};
  const variables = { ...environment, HEALTH_PORT: `${ports.health}`, WEBHOOK_PORT: `${ports.webhook}` };
  const serviceAccount = pod.spec?.serviceAccountName;
  if (pod.spec?.automountServiceAccountToken !== true || serviceAccount === undefined) return variables;
  const { status } = await harness.core.createNamespacedServiceAccountToken({
    name: serviceAccount,
    namespace,
    body: {
      spec: {
        audiences: [],
        expirationSeconds: tokenSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    },
  });
  const kubeconfig = kubeconfigOf({ server, authority, user: serviceAccount, token: status?.token ?? '' });
  const file = join(folder, 'kubeconfig');
  await writeFile(file, JSON.stringify(kubeconfig), { mode: 0o600 });
  return { ...variables, KUBECONFIG: file };
}

/** What a process says of its readiness; `silent` = nothing in time, as when the machine stands still for a moment. */
async function probe(container: V1Container, healthPort: number): Promise<'ready' | 'unready' | 'silent'> {
  const path = container.readinessProbe?.httpGet?.path ?? '/';
  const signal = AbortSignal.timeout(probeTimeoutMs);
  return fetch(`http://127.0.0.1:${healthPort}${path}`, { signal }).then(
    ({ ok }) => (ok ? 'ready' : 'unready'),
    () => (signal.aborted ? 'silent' : 'unready'),
  );
}
