import { isApiServerReady } from '#testkit/cluster/api-server-ready.ts';
import { waitUntilUp } from '#testkit/processes/guarded-process.ts';
import type { NodeProgramName, ProgramName } from '#tools/pinned-programs.ts';
import { controlPlaneArguments } from './control-plane-arguments.ts';
import type { RunningNode } from './running-node.ts';

/** Paths of all programs. */
export type NodePrograms = Readonly<Record<ProgramName | NodeProgramName, string>>;

interface ControlPlaneStart {
  programs: NodePrograms;
  /** Starts a program in the first node. */
  start: RunningNode['start'];
  node: string;
  /** Loopback port of the machine that leads to the API server. */
  port: number;
  token: string;
}

const readyTimeoutMs = 120_000;

/** Starts the control plane in the first node; resolves when the API server is ready and the others run. */
export async function startNodeControlPlane({
  programs,
  start,
  node,
  port,
  token,
}: ControlPlaneStart): Promise<void> {
  await start('etcd', programs.etcd, controlPlaneArguments.etcd(node));
  const apiServer = await start(
    'kube-apiserver',
    programs['kube-apiserver'],
    controlPlaneArguments.apiServer(),
  );
  await waitUntilUp(apiServer, () => isApiServerReady(port, token), {
    timeoutMs: readyTimeoutMs,
    what: 'kube-apiserver to be ready',
  });
  await start(
    'controller-manager',
    programs['kube-controller-manager'],
    controlPlaneArguments.controllerManager(),
  );
  await start('scheduler', programs['kube-scheduler'], controlPlaneArguments.scheduler());
  await start('coredns', programs.coredns, controlPlaneArguments.dns());
}
