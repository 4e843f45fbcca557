import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Confines all threads of a process, and what it starts from now on, to some cores. Returns whether it could: without
 * `taskset`, or with one core only, client and servers share what there is.
 */
export const pinProcess = (pid: number, cores: readonly number[]): Promise<boolean> =>
  run('taskset', ['--all-tasks', '--cpu-list', '--pid', cores.join(','), `${pid}`]).then(
    () => true,
    () => false,
  );
