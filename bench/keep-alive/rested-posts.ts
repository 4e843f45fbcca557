import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { cacheFolder } from '#tools/cache-folder.ts';
import { buildGoProgram } from '#tools/go-program.ts';
import { createProgress } from '#tools/progress.ts';

/** What tools/keep-alive reads. */
export interface RestedPostsPlan {
  url: string;
  body: string;
  /** One transport each: the rest between its two requests, ms. */
  restsMs: readonly number[];
  /** Unix ms from which all rests count; 0 = from each one's own first answer. */
  fromMs?: number;
  /** Added to every write and read of the client. */
  oneWayMs: number;
}

/** What became of the second requests; `lost` = EOF, a reset, or a status that the API server does not repeat. */
export interface RestedPosts {
  pairs: number;
  reused: number;
  fresh: number;
  toldToRepeat: number;
  refused: number;
  lost: number;
  failures: readonly { restMs: number; why: string }[];
}

/** Builds the Go program, first time only. */
export const buildRestedPosts = (): Promise<string> =>
  buildGoProgram(
    {
      name: 'keep-alive',
      version: 'v1',
      moduleFolder: join(import.meta.dirname, '../../tools/keep-alive'),
      package: '.',
      linkerFlags: '',
    },
    { cacheFolder: cacheFolder(process.env), env: process.env, progress: createProgress(process.stderr) },
  );

/** @throws Error when a first request fails: then nothing was measured */
export async function runRestedPosts(program: string, plan: RestedPostsPlan): Promise<RestedPosts> {
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'pipe'] });
  const [output, messages] = [text(child.stdout), text(child.stderr)];
  child.stdin.end(JSON.stringify(plan));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`tools/keep-alive ended with ${code}: ${await messages}`);
  return JSON.parse(await output);
}
