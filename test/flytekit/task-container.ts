import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import type { AskedSecret } from '#testkit/pods/task-pod.ts';
import { withFolderAt } from '#testkit/processes/mount-namespace.ts';
import { filesOf, type Secrets, variablesOf } from './container-view.ts';

/** What flytekit found for one secret. */
export interface Reading {
  /** What `secrets.get` returned. */
  value: string;
  /** What `secrets.get_secrets_file` returned. */
  path: string;
  /** What stands there in base64; null when nothing does. */
  file: string | null;
  /** The variable that the task named by `env_var`. */
  variable?: string | null;
}

const program = join(import.meta.dirname, 'read_secrets.py');
const maxBuffer = 64 * 1024 * 1024;
const run = promisify(execFile);

/**
 * Plays the kubelet for one container of an admitted pod: variables from Secrets, files of Secret volumes at their own
 * paths; then runs Python in it and returns what flytekit reads, in the order of `asked`.
 */
export async function readInContainer(options: {
  pod: V1Pod;
  container: V1Container;
  secrets: Secrets;
  python: string;
  /** Folder for the container's files. */
  folder: string;
  asked: readonly AskedSecret[];
}): Promise<Reading[]> {
  const { pod, container, secrets, python, folder, asked } = options;
  const etc = await mkdtemp(join(folder, 'etc-'));
  await writeEtc(etc, filesOf(pod, container, secrets));
  // A shell stands between, and some drop a variable whose name has a `-`: they are set behind it.
  const variables = Object.entries(variablesOf(container, secrets)).map(
    ([name, value]) => `${name}=${value}`,
  );
  const inside = { command: 'env', args: [...variables, python, program] };
  const { command, args } = withFolderAt(etc, '/etc', inside);
  const running = run(command, args, { env: { PATH: process.env.PATH, HOME: folder }, maxBuffer });
  const questions = asked.map((secret) => ({ groupVersion: '', envVar: '', ...secret }));
  running.child.stdin?.end(JSON.stringify(questions));
  return JSON.parse((await running).stdout);
}

/** The container's /etc. Nothing can be mounted below it without a change to this machine, so it is a copy. */
async function writeEtc(folder: string, files: ReadonlyMap<string, Buffer>): Promise<void> {
  // What only root may read is left out.
  await run('sh', ['-c', 'cp -R /etc/. "$1" 2>/dev/null || true', 'sh', folder]);
  for (const [path, content] of files) {
    if (!path.startsWith('/etc/flyte/'))
      throw new Error(`${path} lies outside the folder of Flyte's secrets`);
    const target = join(folder, path.slice('/etc'.length));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }
}
