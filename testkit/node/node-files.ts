import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { containerdConfiguration } from './containerd-configuration.ts';
import { kubeletConfiguration } from './kubelet-configuration.ts';
import { nodeSysctls, sysctlFile } from './mount-script.ts';
import { podNetworkConfiguration } from './pod-network-configuration.ts';
import { writeFiles } from './write-files.ts';

/** Writes what the programs of a node start with into its folder. */
export async function writeNodeFiles(folder: string, node: string, position: number): Promise<void> {
  await mkdir(join(folder, 'cni'), { recursive: true });
  const sysctls = Object.entries(nodeSysctls).map(([name, value]) => [sysctlFile(name), `${value}\n`]);
  await writeFiles(folder, {
    // JSON is YAML.
    'kubelet.yaml': JSON.stringify(kubeletConfiguration(node)),
    'containerd.toml': containerdConfiguration(node),
    'cni/10-pods.conflist': JSON.stringify(podNetworkConfiguration(node, position)),
    // Of pods that do not ask the cluster's DNS.
    'resolv.conf': '',
    ...Object.fromEntries(sysctls),
  });
}
