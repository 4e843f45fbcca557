import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { TestReport } from './test-report.ts';

/**
 * Shares the test files between so many processes. Each loads most modules once more; where some files are heavy, more
 * processes than cores keep all cores busy to the end.
 */
const [shardCount, ...patterns] = process.argv.slice(2);
const shards = Number(shardCount);
const reporter = join(import.meta.dirname, 'test-report.ts');

/** What a shard found; without the number of its tests its process ended before they did. */
interface ShardResult {
  code: number;
  tests: number | undefined;
  failedAt: string[];
}

/** Runs one share of the test files in one process, which loads common modules once. Prints each failure at once. */
async function runShard(shard: number): Promise<ShardResult> {
  const options = ['--test', '--test-isolation=none', `--test-shard=${shard}/${shards}`];
  const reporting = [`--test-reporter=${reporter}`, '--test-reporter-destination=stdout'];
  const child = spawn(process.execPath, [...options, ...reporting, ...patterns], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const failedAt: string[] = [];
  let tests: number | undefined;
  child.on('message', (message) => {
    const report = message as TestReport;
    if (report.kind === 'sum') {
      tests = report.tests;
    } else {
      failedAt.push(report.where);
      process.stdout.write(`\n${report.where}: ${report.text}\n`);
    }
  });
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? 1));
  });
  return { code, tests, failedAt };
}

/** Sums up all shards in one line, which ends with where to look. */
function summaryOf(results: readonly ShardResult[]): string {
  const sum = results.reduce((total, { tests = 0 }) => total + tests, 0);
  const places = results.flatMap(({ failedAt }) => failedAt);
  const broken = results.filter(({ tests }) => tests === undefined).length;
  const parts = [`${sum.toLocaleString('en')} tests`, `${places.length} failed`];
  if (broken > 0) parts.push(`${broken} of ${shards} processes ended early`);
  return places.length === 0 ? parts.join(', ') : `${parts.join(', ')}: ${places.join(' ')}`;
}

// A process for each file would load the same modules 300 times.
const numbers = Array.from({ length: shards }, (_, index) => index + 1);
const ended = await Promise.all(numbers.map((shard) => runShard(shard)));
process.stdout.write(`${summaryOf(ended)}\n`);
process.exitCode = ended.find(({ code }) => code !== 0)?.code ?? 0;
