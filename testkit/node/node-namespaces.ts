import { execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ProcessGuard } from '#testkit/processes/process-guard.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { type CgroupFolder, processFolder } from './cgroup-folders.ts';

/** The namespaces of one node: mounts, network, processes, host name, IPC and cgroups of its own. */
export interface NodeNamespaces {
  /** Process 1 of the node as the machine numbers it. Its end ends every process and mount in the node. */
  pid: number;
  /** The command line that runs a program in the node. */
  enter: (program: readonly string[]) => { command: string; args: string[] };
  /** Runs shell lines in the node, `$1` and so on being `args`. Throws with what they wrote when one fails. */
  run: (script: string, ...args: string[]) => Promise<void>;
  /** The same in its network alone, with the machine's processes and files. */
  runInNetwork: (script: string, ...args: string[]) => Promise<void>;
}

interface NamespacesStart {
  cgroups: readonly CgroupFolder[];
  /** Program that becomes process 1 (tools/pause). */
  pause: string;
  logFolder: string;
  name: string;
}

/** Moves the shell into cgroups, up to `--`, then becomes the rest. */
const joinCgroups = 'until [ "$1" = -- ]; do echo $$ > "$1/cgroup.procs"; shift; done; shift; exec "$@"';
const joining = (folders: readonly string[], program: readonly string[]): string[] => [
  '-c',
  joinCgroups,
  'sh',
  ...folders,
  '--',
  ...program,
];

const ownNamespaces = ['--mount', '--net', '--pid', '--uts', '--ipc', '--cgroup'];
const startTimeoutMs = 20_000;

/**
 * Starts process 1 of a node in namespaces of its own, whose cgroup root are the folders of `cgroups`. It ends when
 * this process does, however that ends: its standard input then closes, which no signal can prevent.
 */
export async function createNodeNamespaces(
  { cgroups, pause, logFolder, name }: NamespacesStart,
  guard: ProcessGuard,
): Promise<NodeNamespaces> {
  const logFile = join(logFolder, `${name}-namespaces.log`);
  const log = openSync(logFile, 'a');
  const folders = cgroups.map(({ folder }) => folder);
  const unshare = ['unshare', ...ownNamespaces, '--fork', '--kill-child', '--mount-proc'];
  const args = joining(folders, [...unshare, '--propagation', 'private', pause, '-input']);
  const child = spawn('sh', args, { stdio: ['pipe', log, log], detached: true });
  closeSync(log);
  child.unref();
  (child.stdin as unknown as Socket).unref();
  const { pid: shell } = child;
  if (shell === undefined) throw new Error(`${name}: no shell could be started`);
  guard.watch(shell);
  const describe = async () => {
    throw new Error(
      `A real node needs namespaces of its own, and they could not be made here: run it as a root that has CAP_SYS_ADMIN. ${await readFile(logFile, 'utf8')}`,
    );
  };
  const ended = new Promise<never>((_, reject) => child.once('exit', () => describe().catch(reject)));
  ended.catch(() => undefined);
  const deadline = { timeoutMs: startTimeoutMs, what: `process 1 of ${name}` };
  const pid = await Promise.race([waitFor(() => onlyChild(shell, 'pause'), deadline), ended]);
  for (const cgroup of cgroups) await writeFile(join(processFolder(cgroup), 'cgroup.procs'), `${pid}`);
  return namespacesOf(pid, cgroups);
}

/** The child of a process, once it runs that program. */
async function onlyChild(parent: number, program: string): Promise<number | undefined> {
  const pid = Number(await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8'));
  const running = pid > 0 && (await readFile(`/proc/${pid}/comm`, 'utf8')).trim() === program;
  return running ? pid : undefined;
}

function namespacesOf(pid: number, cgroups: readonly CgroupFolder[]): NodeNamespaces {
  const enter = (program: readonly string[]) => ({
    command: 'sh',
    args: joining(cgroups.map(processFolder), [
      'nsenter',
      '--target',
      `${pid}`,
      ...ownNamespaces,
      '--',
      ...program,
    ]),
  });
  const shell = (script: string, args: readonly string[]) => ['sh', '-euc', script, 'sh', ...args];
  return {
    pid,
    enter,
    run: async (script, ...args) => {
      const { command, args: entered } = enter(shell(script, args));
      await promisify(execFile)(command, entered);
    },
    runInNetwork: async (script, ...args) => {
      await promisify(execFile)('nsenter', ['--target', `${pid}`, '--net', '--', ...shell(script, args)]);
    },
  };
}
