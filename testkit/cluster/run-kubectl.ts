import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs kubectl, which keeps a cache in its home folder: the cluster's, which is removed with it. */
export async function runKubectl(
  { path, home }: { path: string; home: string },
  args: readonly string[],
  input: string,
): Promise<string> {
  const running = promisify(execFile)(path, args, {
    env: { HOME: home },
    maxBuffer: 64 * 1024 * 1024,
  });
  running.child.stdin?.end(input);
  return (await running).stdout;
}
