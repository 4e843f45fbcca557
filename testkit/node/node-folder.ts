/** Where a node sees the folder of its cluster: texts of configuration need no path of this machine. */
export const clusterMount = '/run/latchkey';

/** Path, as the node sees it, of a file in the node's own folder. */
export const inNodeFolder = (node: string, name: string): string => `${clusterMount}/${node}/${name}`;

export const containerdSocket = (node: string): string => inNodeFolder(node, 'containerd.sock');
export const kubeconfigPath = (user: string): string => `${clusterMount}/kubernetes/${user}.kubeconfig`;
