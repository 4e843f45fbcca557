import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Makes sure that processes and the folder of a cluster never outlive the test process. */
export interface ProcessGuard {
  /** From now on the process group is killed when this process ends, however it ends. */
  watch: (pid: number) => void;
  forget: (pid: number) => void;
  /** From now on the cgroup of that name is removed when this process ends, after the processes in it were killed. */
  watchCgroup: (name: string) => void;
  /** Kills what is left, removes the folder, and resolves when that is done. */
  close: () => Promise<void>;
}

/** Starts the guard of `folder` as a process in a session of its own, so that Ctrl-C does not reach it. */
export function startProcessGuard(folder: string): ProcessGuard {
  const program = join(import.meta.dirname, 'guard-program.ts');
  const guard = spawn(process.execPath, [program, folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.unref();
  const exited = once(guard, 'exit');
  const tell = (line: string) => {
    if (guard.stdin.writable) guard.stdin.write(`${line}\n`);
  };
  return {
    watch: (pid) => tell(`+${pid}`),
    forget: (pid) => tell(`-${pid}`),
    watchCgroup: (name) => tell(`c${name}`),
    close: async () => {
      guard.ref();
      guard.stdin.end();
      await exited;
    },
  };
}
