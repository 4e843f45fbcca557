import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

interface ProgramRun {
  env?: NodeJS.ProcessEnv;
  folder?: string;
  input?: string;
}

/** Keeps the end of an output, where the reason of a failure stands. */
const shownCharacters = 4_000;

/** Runs a program to its end and resolves with its output. Throws with the end of all that it printed when it fails. */
export async function runProgram(
  command: string,
  args: readonly string[],
  { env = process.env, folder, input = '' }: ProgramRun = {},
): Promise<string> {
  const child = spawn(command, args, { env, cwd: folder, stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  // A program may end without reading what it is given.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code === 0) return output;
  const line = [command, ...args].join(' ');
  throw new Error(
    `\`${line.slice(0, 300)}\` ended with ${code}:\n${`${output}\n${errors}`.slice(-shownCharacters)}`,
  );
}
