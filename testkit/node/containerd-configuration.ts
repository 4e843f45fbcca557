import { containerdSocket, inNodeFolder } from './node-folder.ts';

export const pauseImage = 'localhost/pause:latchkey';

/** Plugins that write outside the node's folder or look for file systems that it does not use. */
const disabledPlugins = [
  'io.containerd.internal.v1.opt',
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.zfs',
];

/** config.toml of containerd, which keeps images, containers and sockets in the node's own folder. */
export const containerdConfiguration = (node: string): string => `version = 2
root = "${inNodeFolder(node, 'containerd')}"
state = "${inNodeFolder(node, 'containerd-state')}"
oom_score = 0
disabled_plugins = [${disabledPlugins.map((plugin) => `"${plugin}"`).join(', ')}]

[grpc]
  address = "${containerdSocket(node)}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  restrict_oom_score_adj = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${inNodeFolder(node, 'cni')}"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
`;
