import { mkdir, mkdtemp, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  createKubernetesClient,
  type KubernetesClient,
  kubeconfigOf,
} from '#testkit/cluster/kubernetes-client.ts';
import { runKubectl } from '#testkit/cluster/run-kubectl.ts';
import { type ProcessGuard, startProcessGuard } from '#testkit/processes/process-guard.ts';
import { cacheFolder } from '#tools/cache-folder.ts';
import { buildNodePrograms } from '#tools/node-programs.ts';
import { findPrograms } from '#tools/programs.ts';
import { createProgress } from '#tools/progress.ts';
import { type ClusterUser, clusterUsers } from './cluster-users.ts';
import { createVolumeFolders } from './cluster-volumes.ts';
import { writeControlPlaneFiles } from './control-plane-files.ts';
import { createNodes } from './create-nodes.ts';
import { clusterPrefix, removeLeftOvers } from './left-overs.ts';
import { apiServerPort, controlPlaneAddress, nodeNameOf } from './node-addresses.ts';
import { type NodePrograms, startNodeControlPlane } from './node-control-plane.ts';
import type { NodeNamespaces } from './node-namespaces.ts';
import { requireNode } from './node-requirements.ts';
import { forwardPort } from './port-forward.ts';
import { prepareNode, type RunningNode } from './running-node.ts';

/** A Kubernetes cluster of one or more nodes with a kubelet each, in namespaces of their own on this machine. */
export interface RealCluster {
  folder: string;
  logFolder: string;
  programs: NodePrograms;
  nodes: readonly RunningNode[];
  /** Reaches the API server from this machine, as an administrator. */
  server: string;
  authority: string;
  token: string;
  kubeconfigFile: string;
  kubernetes: KubernetesClient;
  kubectl: (args: readonly string[], input?: string) => Promise<string>;
  kubectlLine: () => string;
  /** Ends and removes everything. */
  stop: () => Promise<void>;
}

const nodeReadyTimeout = '120s';

/** Finds or builds every program of a cluster. Throws one sentence where this machine cannot run one. */
export async function findNodePrograms(): Promise<NodePrograms> {
  requireNode();
  const progress = createProgress(process.stderr);
  const context = { cacheFolder: cacheFolder(process.env), env: process.env, progress };
  const found = Object.entries(await findPrograms(context)).map(([name, { path }]) => [name, path]);
  return { ...Object.fromEntries(found), ...(await buildNodePrograms(context)) };
}

interface ClusterStart {
  programs: NodePrograms;
  /** Files of images for the nodes, as `docker save` writes them. */
  images: readonly string[];
  nodes: number;
}

/**
 * Starts it; resolves when every node is ready for pods.
 * Whatever ends this process, everything of the cluster goes with it and the machine is as before.
 */
export async function startRealCluster({ programs, images, nodes }: ClusterStart): Promise<RealCluster> {
  await removeLeftOvers();
  const folder = await mkdtemp(join(await realpath(tmpdir()), clusterPrefix()));
  const guard = startProcessGuard(folder);
  try {
    return await startIn(folder, { programs, images, nodes }, guard);
  } catch (error) {
    await guard.close();
    throw error;
  }
}

async function startIn(
  folder: string,
  { programs, images, nodes: count }: ClusterStart,
  guard: ProcessGuard,
): Promise<RealCluster> {
  const logFolder = join(folder, 'logs');
  await mkdir(logFolder);
  await createVolumeFolders(folder);
  const users = clusterUsers(count);
  const authority = await writeControlPlaneFiles(join(folder, 'kubernetes'), users);
  const { pause } = programs;
  const namespaces = await createNodes({ folder, name: basename(folder), count, pause, logFolder }, guard);
  const nodeOf = (own: NodeNamespaces, index: number) =>
    prepareNode(
      { name: nodeNameOf(index + 1), position: index + 1, namespaces: own, programs, folder, logFolder },
      guard,
    );
  const [first, ...others] = namespaces.map(nodeOf);
  if (first === undefined) throw new Error('a cluster needs a node');
  const nodes = [first, ...others];
  const imported = Promise.all(
    nodes.map((node) => node.startContainerd().then(() => node.importImages(images))),
  );
  const port = await forwardPort(first.namespaces, controlPlaneAddress, apiServerPort, guard);
  const { token } = adminOf(users);
  await startNodeControlPlane({ programs, start: first.start, node: first.name, port, token });
  await imported;
  await Promise.all(nodes.map((node) => node.startAgents()));
  const access = await writeAccess(folder, programs, {
    server: `https://127.0.0.1:${port}`,
    authority,
    token,
  });
  await access.kubectl(['wait', '--for=create', ...nodes.map(({ name }) => `node/${name}`), '--timeout=60s']);
  await access.kubectl(['wait', '--for=condition=Ready', 'nodes', '--all', `--timeout=${nodeReadyTimeout}`]);
  return { folder, logFolder, programs, nodes, ...access, stop: () => guard.close() };
}

function adminOf(users: readonly ClusterUser[]): ClusterUser {
  const admin = users.find(({ file }) => file === 'admin');
  if (admin === undefined) throw new Error('no user admin');
  return admin;
}

/** Writes the administrator's kubeconfig for this machine, and gives ways to use it. */
async function writeAccess(
  folder: string,
  { kubectl: path }: NodePrograms,
  reach: { server: string; authority: string; token: string },
) {
  const user = { ...reach, user: 'admin' };
  const kubeconfigFile = join(folder, 'kubeconfig');
  await writeFile(kubeconfigFile, JSON.stringify(kubeconfigOf(user)), { mode: 0o600 });
  const home = join(folder, 'home');
  return {
    ...reach,
    kubeconfigFile,
    kubernetes: createKubernetesClient(user),
    kubectl: (args: readonly string[], input = '') =>
      runKubectl({ path, home }, [`--kubeconfig=${kubeconfigFile}`, ...args], input),
    kubectlLine: () => `${path} --kubeconfig=${kubeconfigFile} get pods -A`,
  };
}
