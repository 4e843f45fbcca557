import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/**
 * Runs one half of the test files in one process, which loads what they share once.
 * @returns the exit code and what the process printed, which is shown at once in the first half alone
 */
async function runHalf(half: 1 | 2, patterns: readonly string[]): Promise<{ code: number; output: string }> {
  const given = ['--test', '--test-isolation=none', `--test-shard=${half}/2`, ...patterns];
  const child = spawn(process.execPath, given, {
    stdio: ['ignore', half === 1 ? 'inherit' : 'pipe', 'inherit'],
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
  const output = child.stdout === null ? '' : await text(child.stdout);
  return { code: await ended, output };
}

// Two processes are as many as the smallest machine of CI has cores: one per file would load the same modules 300 times.
const patterns = process.argv.slice(2);
const [first, second] = await Promise.all([runHalf(1, patterns), runHalf(2, patterns)]);
process.stdout.write(second.output);
process.exitCode = first.code || second.code;
