import { controlPlaneAddress } from './node-addresses.ts';
import { containerdSocket, inNodeFolder } from './node-folder.ts';

/** KubeletConfiguration of a node that shares a machine with others and must not change it. */
export const kubeletConfiguration = (node: string) => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  // Only the API server reaches the kubelet: nothing else is in its network.
  authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
  authorization: { mode: 'AlwaysAllow' },
  clusterDNS: [controlPlaneAddress],
  clusterDomain: 'cluster.local',
  containerRuntimeEndpoint: `unix://${containerdSocket(node)}`,
  resolvConf: inNodeFolder(node, 'resolv.conf'),
  podLogsDir: inNodeFolder(node, 'pod-logs'),
  volumePluginDir: inNodeFolder(node, 'volume-plugins'),
  cgroupDriver: 'cgroupfs',
  // The machine may have either version, and swap.
  failCgroupV1: false,
  failSwapOn: false,
  // A lower score than that of its parent needs CAP_SYS_RESOURCE, which a container's root may lack.
  oomScoreAdj: 0,
  enforceNodeAllocatable: [],
  // The disk is the machine's: others fill it too.
  localStorageCapacityIsolation: false,
  evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
  imageGCHighThresholdPercent: 100,
});
