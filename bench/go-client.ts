import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { cacheFolder } from '#tools/cache-folder.ts';
import { buildGoProgram } from '#tools/go-program.ts';
import { createProgress } from '#tools/progress.ts';

/** Builds the Go program of `tools/<name>`, first time only; it takes a plan on stdin and prints a result, both JSON. */
export const buildGoClient = (name: string): Promise<string> =>
  buildGoProgram(
    {
      name,
      version: 'v1',
      moduleFolder: join(import.meta.dirname, '../tools', name),
      package: '.',
      linkerFlags: '',
    },
    { cacheFolder: cacheFolder(process.env), env: process.env, progress: createProgress(process.stderr) },
  );

/**
 * Runs it as a process of its own, so that it shares no event loop with what is measured. `onMessage` is called when it
 * says on stderr that all is prepared.
 * @throws Error when it says that nothing was measured
 */
export async function runGoClient<Result>(
  program: string,
  plan: object,
  { env = {}, onMessage = () => undefined }: { env?: NodeJS.ProcessEnv; onMessage?: () => void } = {},
): Promise<Result> {
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'pipe'], env });
  child.stderr.once('data', onMessage);
  const [output, messages] = [text(child.stdout), text(child.stderr)];
  child.stdin.end(JSON.stringify(plan));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${await messages}`);
  return JSON.parse(await output);
}
