import { type ChildProcess, fork } from 'node:child_process';
import type { Socket } from 'node:net';
import { type ToPrimary, toPrimarySchema } from './to-primary.ts';
import type { ToWorker } from './to-worker.ts';

/** A worker's process, as the primary sees it. */
export interface WorkerProcess {
  readonly pid: number | undefined;
  /** Sends a message; resolves once the kernel has it, which is the pace of the worker, or once the worker has ended. */
  send(message: ToWorker, socket?: Socket): Promise<void>;
  /** Ends it at once. */
  kill(): void;
}

/** What the primary does about a worker. */
export interface WorkerEvents {
  onMessage(message: ToPrimary): void;
  onExit(how: { code: number | null; signal: NodeJS.Signals | null }): void;
}

/** Starts a process. */
export type StartWorker = (worker: number, events: WorkerEvents) => WorkerProcess;

/**
 * Starts a worker as a process with the same options of Node, environment and output. Sockets keep their copy here until
 * the worker has said that it took them: one that ends before loses none.
 * @param program the worker's main file
 */
export const forkWorker =
  (program: string): StartWorker =>
  (worker, { onMessage, onExit }) => {
    const child = tryFork(program, worker);
    if (child === undefined) {
      // As the end of one that was started: later.
      queueMicrotask(() => onExit({ code: null, signal: null }));
      return { pid: undefined, send: () => Promise.resolve(), kill: () => undefined };
    }
    child.on('message', (message) => {
      const { data } = toPrimarySchema.safeParse(message);
      // Its end is one worker's, an error here would be that of all.
      if (data === undefined) child.kill('SIGKILL');
      else onMessage(data);
    });
    // A process that could not be started has no exit.
    child.on('error', () => {
      if (child.pid === undefined) onExit({ code: null, signal: null });
    });
    child.once('exit', (code, signal) => onExit({ code, signal }));
    return {
      pid: child.pid,
      send: (message, socket) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        if (!child.connected) return Promise.resolve();
        child.once('disconnect', resolve);
        child.send(message, socket, { keepOpen: true }, () => {
          child.off('disconnect', resolve);
          resolve();
        });
        return promise;
      },
      kill: () => void child.kill('SIGKILL'),
    };
  };

/** Starts the process; undefined where the kernel has no memory for one, which `fork` throws. */
function tryFork(program: string, worker: number): ChildProcess | undefined {
  try {
    return fork(program, [`${worker}`], { serialization: 'advanced' });
  } catch {
    return undefined;
  }
}
