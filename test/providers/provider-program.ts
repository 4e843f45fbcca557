import { join } from 'node:path';
import { startServiceProxy } from '#testkit/cluster/service-proxy.ts';
import { freePorts } from '#testkit/processes/free-ports.ts';
import { type GuardedProcess, startGuardedProcess, waitUntilUp } from '#testkit/processes/guarded-process.ts';
import type { ProcessGuard } from '#testkit/processes/process-guard.ts';

const startTimeoutMs = 60_000;

/** How a stand-in for a provider is started on a port of this machine. */
export interface ProviderProgram {
  name: string;
  command: string;
  args: (port: number) => readonly string[];
  env?: Record<string, string>;
  isUp: (endpoint: string) => Promise<boolean>;
}

/** A provider that can go away and come back; its data, held in memory, goes with it. */
export interface RunningProvider {
  /** URL that stays the same; nobody answers there while the provider is away. */
  endpoint: string;
  /** URL of the program itself. */
  direct(): string;
  /** Ends the program in the middle of whatever it does. */
  kill(): Promise<void>;
  /** Starts it anew; `fill` is done before anybody reaches it at the endpoint. */
  start(fill: (direct: string) => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the program, and in front of it an endpoint that outlives it. */
export async function startProvider(
  program: ProviderProgram,
  { folder, logFolder, guard }: { folder: string; logFolder: string; guard: ProcessGuard },
): Promise<RunningProvider> {
  const [endpointPort = 0] = await freePorts(1);
  let running: { process: GuardedProcess; port: number; open: boolean } | undefined;
  const isOpen = (): number[] => (running?.open ? [running.port] : []);
  const proxy = await startServiceProxy('127.0.0.1', endpointPort, isOpen);
  const direct = (): string => `http://127.0.0.1:${running?.port}`;
  const start = async (fill: (direct: string) => Promise<void>): Promise<void> => {
    const [port = 0] = await freePorts(1);
    const process = await startGuardedProcess(
      {
        name: program.name,
        command: program.command,
        args: program.args(port),
        env: { PATH: globalThis.process.env.PATH, HOME: folder, ...program.env },
        folder,
        logFolder: join(logFolder, 'providers'),
      },
      guard,
    );
    running = { process, port, open: false };
    const deadline = { timeoutMs: startTimeoutMs, what: `${program.name} to answer` };
    await waitUntilUp(process, () => program.isUp(direct()), deadline);
    await fill(direct());
    running.open = true;
  };
  const kill = async (): Promise<void> => {
    await running?.process.stop('SIGKILL');
    running = undefined;
  };
  return {
    endpoint: `http://127.0.0.1:${endpointPort}`,
    direct,
    kill,
    start,
    stop: async () => {
      await kill();
      await proxy.close();
    },
  };
}
