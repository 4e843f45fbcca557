import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessGuard } from '#testkit/processes/process-guard.ts';
import { createCgroups } from './cgroup-folders.ts';
import { mountScript } from './mount-script.ts';
import { nodeNameOf } from './node-addresses.ts';
import { writeNodeFiles } from './node-files.ts';
import { createNodeNamespaces, type NodeNamespaces } from './node-namespaces.ts';
import { connectionLine, firstNodeNetwork, otherNodeNetwork } from './node-network.ts';

interface NodesStart {
  /** Folder of the cluster; its name is unique on the machine. */
  folder: string;
  /** Names the cluster's cgroups. */
  name: string;
  count: number;
  pause: string;
  logFolder: string;
}

/** Makes the namespaces of every node, in order, with their files, mounts and one network that connects them. */
export async function createNodes(start: NodesStart, guard: ProcessGuard): Promise<NodeNamespaces[]> {
  const positions = Array.from({ length: start.count }, (_, index) => index + 1);
  const nodes: NodeNamespaces[] = [];
  for (const position of positions) nodes.push(await createNode(start, position, guard));
  const [first, ...others] = nodes;
  if (first === undefined) throw new Error('a cluster needs a node');
  for (const [index, node] of others.entries()) {
    await node.runInNetwork(connectionLine(index + 2), `${first.pid}`);
  }
  await first.run(firstNodeNetwork(start.count));
  for (const [index, node] of others.entries()) await node.run(otherNodeNetwork(index + 2, start.count));
  return nodes;
}

async function createNode(
  { folder, name, pause, logFolder }: NodesStart,
  position: number,
  guard: ProcessGuard,
): Promise<NodeNamespaces> {
  const node = nodeNameOf(position);
  await mkdir(join(folder, node), { recursive: true });
  await writeNodeFiles(join(folder, node), node, position);
  const cgroup = `${name}-${node}`;
  guard.watchCgroup(cgroup);
  const cgroups = await createCgroups(cgroup);
  const namespaces = await createNodeNamespaces({ cgroups, pause, logFolder, name: node }, guard);
  await namespaces.run(`hostname "$2"\n${mountScript(node, cgroups)}`, folder, node);
  return namespaces;
}
