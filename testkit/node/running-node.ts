import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type GuardedProcess, startGuardedProcess, waitUntilUp } from '#testkit/processes/guarded-process.ts';
import type { ProcessGuard } from '#testkit/processes/process-guard.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { nodeArguments } from './node-arguments.ts';
import { containerdSocket } from './node-folder.ts';
import type { NodeNamespaces } from './node-namespaces.ts';

/** A node of a real cluster, and its programs. */
export interface RunningNode {
  name: string;
  namespaces: NodeNamespaces;
  /** Starts a program in the node under the guard's eye. */
  start: (name: string, path: string, args: readonly string[]) => Promise<GuardedProcess>;
  /** Resolves when containerd answers. */
  startContainerd: () => Promise<void>;
  /** Starts what needs the API server: the kubelet and kube-proxy. */
  startAgents: () => Promise<void>;
  /** Loads images, as `docker save` writes them, into containerd. */
  importImages: (files: readonly string[]) => Promise<void>;
  /** Ends the kubelet and starts it again; its containers go on. */
  restartKubelet: () => Promise<void>;
  /** Ends everything in it at once, as a machine without power does. */
  lose: () => Promise<void>;
}

interface NodeStart {
  name: string;
  position: number;
  namespaces: NodeNamespaces;
  programs: Readonly<Record<'kubelet' | 'kube-proxy', string>>;
  /** Folder of the cluster, which the node sees elsewhere. */
  folder: string;
  logFolder: string;
}

/** Where programs of a node find mount, iptables and the CNI plugins' helpers. */
export const nodePath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const startTimeoutMs = 60_000;

/** Gives ways to run the programs of a node; nothing runs in it yet. */
export function prepareNode(options: NodeStart, guard: ProcessGuard): RunningNode {
  const { name, position, namespaces, programs, folder, logFolder } = options;
  const start = (program: string, path: string, args: readonly string[]) => {
    const { command, args: entered } = namespaces.enter([path, ...args]);
    const env = { PATH: nodePath };
    return startGuardedProcess(
      { name: `${name}-${program}`, command, args: entered, env, folder, logFolder },
      guard,
    );
  };
  const startKubelet = () => start('kubelet', programs.kubelet, nodeArguments.kubelet(name, position));
  let kubelet: GuardedProcess | undefined;
  const ctr = ['ctr', '--address', containerdSocket(name), '--namespace', 'k8s.io'];
  return {
    name,
    namespaces,
    start,
    startContainerd: async () => {
      const containerd = await start('containerd', '/usr/bin/containerd', nodeArguments.containerd(name));
      await waitUntilUp(containerd, async () => existsSync(join(folder, name, 'containerd.sock')), {
        timeoutMs: startTimeoutMs,
        what: `containerd of ${name}`,
      });
    },
    startAgents: async () => {
      kubelet = await startKubelet();
      await start('kube-proxy', programs['kube-proxy'], nodeArguments.proxy(name));
    },
    importImages: async (files) => {
      const lines = files.map((_, index) => `${ctr.join(' ')} images import "$${index + 1}" > /dev/null`);
      await namespaces.run(lines.join('\n'), ...files);
    },
    restartKubelet: async () => {
      await kubelet?.stop('SIGTERM');
      kubelet = await startKubelet();
    },
    lose: async () => {
      process.kill(namespaces.pid, 'SIGKILL');
      await waitFor(() => !existsSync(`/proc/${namespaces.pid}`), {
        timeoutMs: startTimeoutMs,
        what: `the end of ${name}`,
      });
    },
  };
}
