import { randomUUID } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { delimiter, join } from 'node:path';
import { type GuardedProcess, startGuardedProcess, waitUntilUp } from '#testkit/processes/guarded-process.ts';
import type { ProcessGuard } from '#testkit/processes/process-guard.ts';
import { removeCgroups } from '#testkit/processes/remove-cgroups.ts';
import { debianPath, type RequiredPrograms, requirePrograms } from '#testkit/processes/required-programs.ts';
import { runProgram } from '#testkit/processes/run-program.ts';

/** Is Docker's engine in mount, pid, uts and ipc namespaces of its own. */
export interface ContainerEngine {
  /** Runs the client with these arguments and resolves with its output. Throws when it fails. */
  docker(args: readonly string[], options?: { env?: NodeJS.ProcessEnv; input?: string }): Promise<string>;
  /** Variables under which a client (docker, Compose) talks to this engine and reads nothing of the user's. */
  env: NodeJS.ProcessEnv;
  /** Makes the arguments of `nsenter` that run a program in the namespaces of the engine, which its ports are in. */
  enter(command: string, args: readonly string[]): [command: string, args: string[]];
  process: GuardedProcess;
  /** Ends it with all its containers, and removes their cgroups. */
  stop(): Promise<void>;
}

interface EngineStart {
  /** Where it keeps everything. Its path must be short enough for a socket's: 108 bytes. */
  folder: string;
  /** `host` for builds, which load packages; `own` has bridges and no way out. */
  network: 'host' | 'own';
}

export const enginePrograms: RequiredPrograms = {
  dockerd: 'docker.io',
  docker: 'docker.io',
  containerd: 'containerd',
  runc: 'runc',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  ip: 'iproute2',
  iptables: 'iptables',
};

const startTimeoutMs = 60_000;
const initProgram = join(import.meta.dirname, 'engine-init.sh');

/**
 * Starts the engine under the guard's eye. Throws one sentence where it cannot run here. Nothing of it stays on the machine: a
 * SIGKILL of its process 1 ends every container, and with the mount namespace every mount goes.
 */
export async function startContainerEngine(
  { folder, network }: EngineStart,
  guard: ProcessGuard,
): Promise<ContainerEngine> {
  requirePrograms('A container engine', enginePrograms);
  await mkdir(folder, { recursive: true });
  const cgroup = `latchkey-${randomUUID()}`;
  guard.watchCgroup(cgroup);
  const socket = join(folder, 'docker.sock');
  // Another docker on PATH may come without the parts that build.
  const path = [debianPath, process.env.PATH ?? ''].join(delimiter);
  const own = network === 'own' ? ['--net'] : [];
  const namespaces = ['--mount', '--pid', '--uts', '--ipc', ...own, '--propagation', 'private'];
  const engine = await startGuardedProcess(
    {
      name: 'dockerd',
      command: 'unshare',
      args: [...namespaces, '--fork', '--kill-child', 'bash', initProgram, folder, cgroup, network],
      env: { ...process.env, PATH: path },
      folder,
      logFolder: folder,
    },
    guard,
  );
  await waitUntilUp(engine, () => answers(socket), {
    timeoutMs: startTimeoutMs,
    what: 'the container engine',
  });
  const [init = ''] = (await readFile(`/proc/${engine.pid}/task/${engine.pid}/children`, 'utf8')).split(' ');
  const env = { ...process.env, PATH: path, DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: folder };
  return {
    env,
    docker: (args, options = {}) =>
      runProgram('docker', args, { ...options, env: { ...env, ...options.env } }),
    enter: (command, args) => [
      'nsenter',
      ['--target', init, '--mount', '--net', '--pid', '--', command, ...args],
    ],
    process: engine,
    stop: async () => {
      await engine.stop('SIGKILL');
      await removeCgroups(cgroup);
    },
  };
}

const answers = (socketPath: string): Promise<boolean> =>
  new Promise((resolve) => {
    request({ socketPath, path: '/_ping' }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    })
      .on('error', () => resolve(false))
      .end();
  });
