import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessGuard } from './process-guard.ts';
import { type Deadline, waitFor } from './wait-for.ts';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A running program of the cluster, its output in files. */
export interface GuardedProcess {
  name: string;
  pid: number;
  /** File that both standard streams are appended to. */
  logFile: string;
  /** Resolves when it has ended. */
  exited: Promise<Exit>;
  isRunning: () => boolean;
  signal: (signal: NodeJS.Signals) => void;
  /** Sends the signal, waits for the end (SIGKILL after `killAfterMs`), and says how it ended. */
  stop: (signal?: NodeJS.Signals, killAfterMs?: number) => Promise<Exit>;
  readLog: () => Promise<string>;
}

interface ProgramStart {
  name: string;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  folder: string;
  logFolder: string;
}

const defaultKillAfterMs = 15_000;

/** Starts a program as a process group of its own under the guard's eye. Throws when it cannot be started. */
export async function startGuardedProcess(start: ProgramStart, guard: ProcessGuard): Promise<GuardedProcess> {
  mkdirSync(start.logFolder, { recursive: true });
  const logFile = join(start.logFolder, `${start.name}.log`);
  const log = openSync(logFile, 'a');
  const child = spawn(start.command, start.args, {
    cwd: start.folder,
    env: start.env,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const pid = child.pid;
  if (pid === undefined) {
    const [error] = await new Promise<[Error]>((resolve) => child.once('error', (error) => resolve([error])));
    throw new Error(`${start.name} could not be started as ${start.command}`, { cause: error });
  }
  guard.watch(pid);
  // A test that forgets to stop it must still end; the guard then does the rest.
  child.unref();
  let running = true;
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      running = false;
      guard.forget(pid);
      resolve({ code, signal });
    });
  });
  const signal = (name: NodeJS.Signals) => {
    if (running) process.kill(-pid, name);
  };
  return {
    name: start.name,
    pid,
    logFile,
    exited,
    isRunning: () => running,
    signal,
    stop: async (name = 'SIGTERM', killAfterMs = defaultKillAfterMs) => {
      signal(name);
      const timer = new AbortController();
      const kill = delay(killAfterMs, undefined, { signal: timer.signal }).then(() => signal('SIGKILL'));
      kill.catch(() => undefined);
      const exit = await exited;
      timer.abort();
      return exit;
    },
    readLog: () => readFile(logFile, 'utf8'),
  };
}

/** Waits for a program just started; throws with the end of its log as soon as it dies instead. */
export async function waitUntilUp(
  started: GuardedProcess,
  isUp: () => Promise<boolean>,
  deadline: Deadline,
): Promise<void> {
  const died = started.exited.then(async ({ code, signal }) => {
    const log = await started.readLog();
    throw new Error(`${started.name} ended with ${signal ?? code} before it was up:\n${log.slice(-2_000)}`);
  });
  await Promise.race([died, waitFor(isUp, deadline)]);
  died.catch(() => undefined);
}
