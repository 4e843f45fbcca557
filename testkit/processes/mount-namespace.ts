import { spawnSync } from 'node:child_process';

/** A program and its arguments. */
interface CommandLine {
  command: string;
  args: string[];
}

/** Binds $1 over $2, then becomes the rest. */
const script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"';

/**
 * The command line under which a program sees `folder` at the path `at`, which exists, and nobody else does: a mount
 * namespace of its own, by root or in a user namespace. Linux only.
 */
export function withFolderAt(folder: string, at: string, program: CommandLine): CommandLine {
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const args = ['--mount', ...asRoot, 'sh', '-c', script, 'sh', folder, at, program.command, ...program.args];
  return { command: 'unshare', args };
}

/** Throws one sentence that says what to do when this machine does not let a process have mounts of its own. */
export function requireMountNamespace(): void {
  const { command, args } = withFolderAt('/tmp', '/tmp', { command: 'true', args: [] });
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return;
  const reason = error?.message ?? stderr.trim();
  throw new Error(
    `This needs mounts of its own and \`unshare --mount\` is not permitted here (${reason}): run it as root, or allow CAP_SYS_ADMIN or user namespaces.`,
  );
}
