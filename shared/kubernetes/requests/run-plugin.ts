import { execFile } from 'node:child_process';

/** How a plugin has ended. */
export interface EndedPlugin {
  failure: (Error & { code?: unknown; signal?: unknown; killed?: boolean }) | null;
  output: string;
  words: string;
}

/** What a plugin may use. */
export const pluginLimits = {
  /** Within the time of a call, which waits for its credentials. */
  timeoutMs: 25_000,
  mostOutputBytes: 1_024 * 1_024,
};

/** How long the last output of a plugin that has ended is read, where a child of it keeps the pipe open. */
const lingerMs = 500;

/**
 * Runs a plugin, and returns once it has ended or its time is over. Neither a plugin that ignores SIGTERM nor a child that
 * it leaves behind with its standard output holds up the command.
 */
export function runPlugin(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  { timeoutMs, mostOutputBytes } = pluginLimits,
): Promise<EndedPlugin> {
  const options = { env, timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: mostOutputBytes } as const;
  return new Promise((resolve) => {
    let lingering: NodeJS.Timeout | undefined;
    const child = execFile(command, args, options, (failure, output, words) => {
      clearTimeout(lingering);
      resolve({ failure, output, words });
    });
    child.once('exit', () => {
      lingering = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, lingerMs);
    });
    // A plugin that asks on its standard input is told at once that nobody answers.
    child.stdin?.end();
  });
}
