import type { CgroupFolder } from './cgroup-folders.ts';
import { clusterMount, inNodeFolder } from './node-folder.ts';

/**
 * Kernel parameters that a kubelet sets where they are not as it wants them, of the whole machine: the node sees files
 * that hold these values, and nothing to set.
 */
export const nodeSysctls: Readonly<Record<string, string>> = {
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxbytes': '25000000',
  'kernel/keys/root_maxkeys': '1000000',
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
};

export const sysctlFile = (parameter: string): string => `sysctl-${parameter.replaceAll('/', '.')}`;

/** Folders in which a kubelet, containerd or a CNI plugin writes whatever it is told: empty ones of the node's own. */
const ownFolders = ['/var/lib', '/var/log'];

/**
 * Shell lines that give a node, in its mount namespace, its view of the machine. `$1` is the folder of the cluster.
 * Nothing of it is seen outside; nothing that the machine owns can be written through /proc/sys or /sys/fs/cgroup.
 */
export function mountScript(node: string, cgroups: readonly CgroupFolder[]): string {
  return [
    'mount -t tmpfs tmpfs /run',
    `mkdir -p /run/lock ${clusterMount}`,
    `mount --bind "$1" ${clusterMount}`,
    ...ownFolders.map((folder) => `mount -t tmpfs tmpfs ${folder}`),
    ...sysctlLines(node),
    ...cgroupLines(cgroups),
  ].join('\n');
}

/** Parameters of the network are the namespace's own and stay writable: kube-proxy and CNI plugins set some. */
const sysctlLines = (node: string): string[] => [
  'mount --bind /proc/sys /proc/sys',
  'mount -o remount,bind,ro /proc/sys',
  'mount --bind /proc/sys/net /proc/sys/net',
  'mount -o remount,bind,rw /proc/sys/net',
  ...Object.keys(nodeSysctls).map(
    (parameter) => `mount --bind ${inNodeFolder(node, sysctlFile(parameter))} /proc/sys/${parameter}`,
  ),
];

/** Mounted anew in the node's cgroup namespace, a hierarchy shows the node's folder as its root. */
function cgroupLines(cgroups: readonly CgroupFolder[]): string[] {
  const onlyVersion2 = cgroups.some(({ mountPoint }) => mountPoint === '/sys/fs/cgroup');
  return [
    'umount -R /sys/fs/cgroup',
    ...(onlyVersion2 ? [] : ['mount -t tmpfs tmpfs /sys/fs/cgroup']),
    ...cgroups.flatMap(({ mountPoint, type, options }) => [
      `mkdir -p ${mountPoint}`,
      `mount -t ${type} ${options === '' ? '' : `-o ${options} `}cgroup ${mountPoint}`,
    ]),
  ];
}
