import { mkdir, mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type ProcessGuard, startProcessGuard } from '#testkit/processes/process-guard.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { cacheFolder } from '#tools/cache-folder.ts';
import { buildNodePrograms } from '#tools/node-programs.ts';
import { findPrograms } from '#tools/programs.ts';
import { createProgress } from '#tools/progress.ts';
import { type ClusterAccess, writeClusterAccess } from './cluster-access.ts';
import { administratorToken, clusterUsers } from './cluster-users.ts';
import { createVolumeFolders } from './cluster-volumes.ts';
import { writeControlPlaneFiles } from './control-plane-files.ts';
import { createNodes } from './create-nodes.ts';
import { clusterPrefix, removeLeftOvers } from './left-overs.ts';
import { apiServerPort, controlPlaneAddress, nodeNameOf } from './node-addresses.ts';
import { type NodePrograms, startNodeControlPlane } from './node-control-plane.ts';
import { requireNode } from './node-requirements.ts';
import { forwardPort } from './port-forward.ts';
import { prepareNode, type RunningNode } from './running-node.ts';

/** A Kubernetes cluster of one or more nodes with a kubelet each, in namespaces of their own on this machine. */
export interface RealCluster extends ClusterAccess {
  folder: string;
  logFolder: string;
  programs: NodePrograms;
  nodes: readonly RunningNode[];
  /** Lets this machine's loopback reach a pod or a Service; gives the port. */
  forward: (address: string, port: number) => Promise<number>;
  /** Ends and removes everything. */
  stop: () => Promise<void>;
}

const nodeReadyTimeout = '120s';
const registration = { timeoutMs: 120_000, what: 'every kubelet to register its node' };

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
  const [first, ...others] = namespaces.map((own, index) => {
    const [name, position] = [nodeNameOf(index + 1), index + 1];
    return prepareNode({ name, position, namespaces: own, programs, folder, logFolder }, guard);
  });
  if (first === undefined) throw new Error('a cluster needs a node');
  const nodes = [first, ...others];
  const port = await forwardPort(first.namespaces, controlPlaneAddress, apiServerPort, guard);
  const token = administratorToken(users);
  await Promise.all([
    startNodeControlPlane({ programs, start: first.start, node: first.name, port, token }),
    ...nodes.map((node) => node.startContainerd().then(() => node.importImages(images))),
  ]);
  await Promise.all(nodes.map((node) => node.startAgents()));
  const server = `https://127.0.0.1:${port}`;
  const access = await writeClusterAccess(folder, programs.kubectl, { server, authority, token });
  await waitFor(async () => (await access.kubernetes.core.listNode()).items.length === count, registration);
  await access.kubectl(['wait', '--for=condition=Ready', 'nodes', '--all', `--timeout=${nodeReadyTimeout}`]);
  return {
    folder,
    logFolder,
    programs,
    nodes,
    ...access,
    forward: (address, target) => forwardPort(first.namespaces, address, target, guard),
    stop: () => guard.close(),
  };
}
