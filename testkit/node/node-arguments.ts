import { nodeAddressOf, podRange } from './node-addresses.ts';
import { inNodeFolder, kubeconfigPath } from './node-folder.ts';

/** What each program that a node runs is started with. */
export const nodeArguments = {
  containerd: (node: string): string[] => ['--config', inNodeFolder(node, 'containerd.toml')],

  kubelet: (node: string, position: number): string[] => [
    `--config=${inNodeFolder(node, 'kubelet.yaml')}`,
    `--kubeconfig=${kubeconfigPath(node)}`,
    `--root-dir=${inNodeFolder(node, 'kubelet')}`,
    `--cert-dir=${inNodeFolder(node, 'kubelet-certificates')}`,
    `--hostname-override=${node}`,
    `--node-ip=${nodeAddressOf(position)}`,
  ],

  proxy: (node: string): string[] => [
    `--kubeconfig=${kubeconfigPath('proxy')}`,
    `--hostname-override=${node}`,
    '--proxy-mode=iptables',
    `--cluster-cidr=${podRange}`,
    // The size of the connection table is the machine's.
    '--conntrack-max-per-core=0',
    '--conntrack-min=0',
    '--oom-score-adj=0',
  ],
};
