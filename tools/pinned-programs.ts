import type { GoProgram } from './go-program.ts';
import { pauseProgram } from './pause/pause-program.ts';

/** Programs that the cluster harness and the demo run, by the names of their binaries. */
export type ProgramName = 'etcd' | 'kube-apiserver' | 'kubectl' | 'nats-server';

/** A program at the version that `tools/<module>/go.mod` pins, and how a binary found elsewhere tells its own. */
export type PinnedProgram = GoProgram & {
  name: ProgramName;
  /** Go module whose version is `version`. */
  module: string;
  /** Arguments that make the program print its version and exit. */
  versionArguments: readonly string[];
};

const kubernetesVersion = 'v1.36.3';
const kubernetesPackage = 'k8s.io/component-base/version';
/** Without these a Kubernetes program calls itself v0.0.0, and clients refuse to compare versions. */
const kubernetesLinkerFlags = [
  `-X ${kubernetesPackage}.gitVersion=${kubernetesVersion}`,
  `-X ${kubernetesPackage}.gitMajor=1`,
  `-X ${kubernetesPackage}.gitMinor=36`,
].join(' ');

const folder = (name: string): string => `${import.meta.dirname}/${name}`;

/** A program of Kubernetes. All of them come from one module, so that they share what was compiled. */
function kubernetesProgram<Name extends string>(name: Name, versionArguments: readonly string[]) {
  return {
    name,
    version: kubernetesVersion,
    module: 'k8s.io/kubernetes',
    moduleFolder: folder('kubernetes'),
    package: `k8s.io/kubernetes/cmd/${name}`,
    linkerFlags: kubernetesLinkerFlags,
    versionArguments,
  };
}

/** Ordered from the quickest build to the slowest. */
export const pinnedPrograms: readonly PinnedProgram[] = [
  {
    name: 'nats-server',
    version: 'v2.15.2',
    module: 'github.com/nats-io/nats-server/v2',
    moduleFolder: folder('servers'),
    package: 'github.com/nats-io/nats-server/v2',
    linkerFlags: '',
    versionArguments: ['--version'],
  },
  {
    name: 'etcd',
    version: 'v3.6.16',
    module: 'go.etcd.io/etcd/server/v3',
    moduleFolder: folder('servers'),
    package: 'go.etcd.io/etcd/server/v3',
    linkerFlags: '',
    versionArguments: ['--version'],
  },
  kubernetesProgram('kube-apiserver', ['--version']),
  kubernetesProgram('kubectl', ['version', '--client']),
];

/** Programs of a real node besides the above, by the names of their binaries. */
export type NodeProgramName =
  | 'kube-scheduler'
  | 'kube-proxy'
  | 'kube-controller-manager'
  | 'kubelet'
  | 'coredns'
  | 'pause';

/** A node program: always built, since no distribution packs it at this version. */
export type NodeProgram = GoProgram & {
  name: NodeProgramName;
  /** Go module whose version is `version`; a program of our own has none. */
  module?: string;
};

/** Ordered so that each finds compiled what the one before needs too. */
export const nodePrograms: readonly NodeProgram[] = [
  ...(['kube-scheduler', 'kube-proxy', 'kube-controller-manager', 'kubelet'] as const).map((name) =>
    kubernetesProgram(name, ['--version']),
  ),
  {
    name: 'coredns',
    version: 'v1.14.3',
    module: 'github.com/coredns/coredns',
    moduleFolder: folder('coredns'),
    package: '.',
    linkerFlags: '',
  },
  { ...pauseProgram, name: 'pause' },
];
