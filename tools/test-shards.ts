import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** Twice the cores of the smallest machine of CI: the heaviest files share no process, and both cores are busy to the end. */
const shards = 4;

/**
 * Runs one share of the test files in one process, which loads what they share once.
 * @returns the exit code and what the process printed, which is shown at once in the first share alone
 */
async function runShard(
  shard: number,
  patterns: readonly string[],
): Promise<{ code: number; output: string }> {
  const given = ['--test', '--test-isolation=none', `--test-shard=${shard}/${shards}`, ...patterns];
  const child = spawn(process.execPath, given, {
    stdio: ['ignore', shard === 1 ? 'inherit' : 'pipe', 'inherit'],
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
  const output = child.stdout === null ? '' : await text(child.stdout);
  return { code: await ended, output };
}

// A process for each file would load the same modules 300 times.
const patterns = process.argv.slice(2);
const numbers = Array.from({ length: shards }, (_, index) => index + 1);
const ended = await Promise.all(numbers.map((shard) => runShard(shard, patterns)));
for (const { output } of ended) process.stdout.write(output);
process.exitCode = ended.find(({ code }) => code !== 0)?.code ?? 0;
