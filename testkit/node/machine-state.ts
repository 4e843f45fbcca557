import { execFile } from 'node:child_process';
import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** What a cluster could leave behind on the machine, each as sorted lines. */
export interface MachineState {
  mounts: string[];
  network: string[];
  cgroups: string[];
  sysctls: string[];
  folders: string[];
}

const run = promisify(execFile);

/** Counters, and what other programs change all the time. */
const changing =
  /^(fs\/(dentry|inode|file-nr|aio-nr|quota)|kernel\/(random|ns_last_pid|pty\/nr|sched_domain|keys\/)|vm\/stat_refresh|net\/netfilter\/nf_conntrack_(count|buckets)|net\/ipv4\/tcp_fastopen_key|fs\/epoll|net\/.*\/stable_secret)/;

/** Where a kubelet, containerd, runc, CNI plugins and ourselves write. */
const watchedFolders = ['/etc', '/opt', '/run', '/usr/libexec', '/var/lib', '/var/log', '/var/run', '/'];

/** Sessions of others come and go in the cgroups of the machine's own process manager, and so do container engines. */
const isOwnCgroup = (path: string): boolean =>
  !/\/process_api\/|\.scope$|\.service$|\/latchkey-[0-9a-f]{8}-/.test(path);

/** Reads it; two readings are equal when nothing was left. */
export async function readMachineState(): Promise<MachineState> {
  const [mounts, links, addresses, routes, sysctls] = await Promise.all([
    readFile('/proc/self/mountinfo', 'utf8'),
    run('ip', ['-oneline', 'link']),
    run('ip', ['-oneline', 'address']),
    run('ip', ['route']),
    readSysctls('/proc/sys', ''),
  ]);
  // Of an address the rest of its life counts down.
  const network = [links, addresses, routes].map(({ stdout }) => stdout.replaceAll(/valid_lft \d+sec/g, ''));
  const temporary = (await readdir(await realpath(tmpdir()))).filter((name) =>
    name.startsWith('latchkey-node-'),
  );
  const folders = await Promise.all(watchedFolders.map(namesIn));
  return {
    mounts: lines(mounts),
    network: network.flatMap(lines),
    cgroups: (await foldersBelow('/sys/fs/cgroup')).filter(isOwnCgroup).toSorted(),
    sysctls: sysctls.toSorted(),
    folders: [...folders.flat(), ...temporary].toSorted(),
  };
}

const lines = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .toSorted();

const namesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).map((name) => join(folder, name));

async function foldersBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const inner = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
  return [...inner, ...(await Promise.all(inner.map(foldersBelow))).flat()];
}

async function readSysctls(folder: string, name: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const read = entries.map(async (entry) => {
    const [path, parameter] = [join(folder, entry.name), join(name, entry.name)];
    if (changing.test(parameter)) return [];
    if (entry.isDirectory()) return readSysctls(path, parameter);
    // Some can be written only.
    const value = await readFile(path, 'utf8').catch(() => '');
    return [`${parameter} = ${value.trim()}`];
  });
  return (await Promise.all(read)).flat();
}

const processIds = async (): Promise<string[]> =>
  (await readdir('/proc')).filter((name) => /^\d+$/.test(name));

const pidNamespaceOf = (pid: string): Promise<string> => readlink(`/proc/${pid}/ns/pid`);

/** The pid namespaces of a cluster's nodes and containers, which have its folder among their mounts. */
export async function pidNamespacesOf(folder: string): Promise<string[]> {
  const own = await pidNamespaceOf('self');
  const found = (await processIds()).map(async (pid) => {
    const mounts = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '');
    return mounts.includes(folder) ? pidNamespaceOf(pid).catch(() => own) : own;
  });
  return [...new Set(await Promise.all(found))].filter((namespace) => namespace !== own);
}

/** Processes in one of these namespaces, or started with a path in the folder of the cluster. */
export async function processesOf(folder: string, pidNamespaces: readonly string[]): Promise<string[]> {
  const found = (await processIds()).map(async (pid) => {
    const namespace = await pidNamespaceOf(pid).catch(() => '');
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
    return pidNamespaces.includes(namespace) || command.includes(folder) ? [`${pid} ${command}`] : [];
  });
  return (await Promise.all(found)).flat();
}
