import { join } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import type { Exit } from '#testkit/processes/guarded-process.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import type { PodContext, PodRun } from './pod-run.ts';

const startTimeoutMs = 60_000;

/** A service process with the Pod object that stands for it. */
export interface ServicePod {
  name: string;
  uid: string;
  ports: PodContext['ports'];
  /** Folder under which the paths of its mounts lie. */
  root: string;
  run: PodRun;
  /** The process id of the moment; it changes when the process ends and is started again. */
  pid: () => number;
  /** Waits until its readiness probe succeeds; the error holds what `/readyz` says then. */
  untilReady: (timeoutMs?: number) => Promise<void>;
  readLog: () => Promise<string>;
  signal: (signal: NodeJS.Signals) => void;
  /** Takes it out of the Service, sends the signal, waits for the end, deletes the pod. */
  stop: (signal?: NodeJS.Signals) => Promise<Exit>;
  /** Kills it in the middle of whatever it does; no other takes its place. */
  kill: () => Promise<Exit>;
}

/** @param end takes the pod out of the Service, ends its process and deletes it */
export function servicePod(
  { metadata }: V1Pod,
  run: PodRun,
  { ports, folder }: Pick<PodContext, 'ports' | 'folder'>,
  end: (signal: NodeJS.Signals) => Promise<Exit>,
): ServicePod {
  const name = metadata?.name ?? '';
  return {
    name,
    uid: metadata?.uid ?? '',
    ports,
    root: join(folder, 'root'),
    run,
    pid: () => run.process()?.pid ?? 0,
    untilReady: (timeoutMs = startTimeoutMs) => untilReady(name, run, ports.health, timeoutMs),
    readLog: async () => (await run.process()?.readLog()) ?? '',
    signal: (signal) => run.process()?.signal(signal),
    stop: (signal = 'SIGTERM') => end(signal),
    kill: () => end('SIGKILL'),
  };
}

/** Waits until the process of a pod runs. */
export const untilStarted = ({ name, run }: ServicePod): Promise<unknown> =>
  waitFor(() => run.process(), {
    timeoutMs: startTimeoutMs,
    what: `the Secrets and ConfigMaps that the pod ${name} mounts, and its process`,
  });

async function untilReady(name: string, run: PodRun, healthPort: number, timeoutMs: number): Promise<void> {
  try {
    await waitFor(run.isReady, { timeoutMs, what: `${name} to be ready` });
  } catch (cause) {
    const state = await readinessText(healthPort).catch(String);
    const log = (await run.process()?.readLog()) ?? '';
    const text = `${(cause as Error).message}\nit says: ${state}\nits log ends:\n${log.slice(-3_000)}`;
    throw new Error(text, { cause });
  }
}

async function readinessText(healthPort: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${healthPort}/readyz`);
  return `${response.status} ${await response.text()}`;
}
