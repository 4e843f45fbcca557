import { parseArgs } from 'node:util';
import { fuzzTargets } from './fuzz-targets.ts';
import { type FuzzOptions, type FuzzReport, type FuzzViolation, runFuzz } from './run-fuzz.ts';

const names = fuzzTargets.map(({ name }) => name);

const help = `Usage: npm run fuzz -- [--cases N] [--seed S] [--target NAME,...] [--only CASE] [--json] [--help]

Tries what others may send to latchkey: admission reviews, bus records, recipes, heartbeats and bytes on the wire, all
made from a seed. The same seed gives the same cases. Nothing may be thrown or answered with a 5xx; every decision stays
within its step budget, and its patch applies and repeats to nothing.

  --cases N      cases of all targets together (50000)
  --seed S       whole number from 0 (1)
  --target NAME  ${names.join(', ')}; several with commas between (all)
  --only CASE    this case of one target alone, to see a violation again
  --json         the result as one object on standard output
  --help         this text

Exit codes: 0 all held, 1 a violation, 2 usage.
`;

export interface FuzzOutput {
  write(text: string): void;
  /** Progress and complaints. */
  complain(text: string): void;
}

/** Runs the command. @returns its exit code */
export async function runFuzzCommand(args: readonly string[], output: FuzzOutput): Promise<number> {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions(args);
  } catch (error) {
    output.complain(`${error instanceof Error ? error.message : error}\nSee npm run fuzz -- --help\n`);
    return 2;
  }
  if (options.help) {
    output.write(help);
    return 0;
  }
  const progress = (line: string): void => output.complain(`${line}\n`);
  const report = await runFuzz({ ...options, progress });
  output.write(options.json ? `${JSON.stringify(report)}\n` : describe(report));
  return report.violations.length === 0 ? 0 : 1;
}

function readOptions(args: readonly string[]): FuzzOptions & { help: boolean; json: boolean } {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const options = { cases: text, seed: text, target: text, only: text, json: flag, help: flag };
  const { values } = parseArgs({ args: [...args], options });
  const wanted = values.target?.split(',') ?? names;
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`--target: there is no "${unknown}", only ${names.join(', ')}`);
  if (values.only !== undefined && wanted.length !== 1) throw new Error('--only needs one --target');
  return {
    help: values.help,
    json: values.json,
    targets: fuzzTargets.filter(({ name }) => wanted.includes(name)),
    cases: wholeNumber('cases', values.cases ?? '50000'),
    seed: wholeNumber('seed', values.seed ?? '1'),
    ...(values.only === undefined ? {} : { only: wholeNumber('only', values.only) }),
  };
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number)) {
    throw new Error(`--${name} takes a whole number, not "${text}"`);
  }
  return number;
}

function describe({ targets, violations, seed, peakMiB }: FuzzReport): string {
  const lines = targets.flatMap(({ target, cases, seconds, mostBudgetShare, outcomes }) => [
    `${target}: ${cases} cases in ${seconds} s, ${(100 * mostBudgetShare).toFixed(1)} % of the step budget at most`,
    `  ${Object.entries(outcomes)
      .toSorted(([, one], [, other]) => other - one)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
  ]);
  const total = targets.reduce((sum, { cases }) => sum + cases, 0);
  const end = `${total} cases with seed ${seed}, ${violations.length} violations, ${peakMiB} MiB at most`;
  return `${[...lines, ...violations.map(describeViolation), end].join('\n')}\n`;
}

/** What was violated, by what, and the command that shows it again. */
export function describeViolation({ target, seed, case: number, message, excerpt }: FuzzViolation): string {
  const again = number === undefined ? '' : ` --only ${number}`;
  return [
    `VIOLATION of ${target}, seed ${seed}, case ${number ?? 'none: at its end'}`,
    `  ${message}`,
    `  input: ${excerpt}`,
    `  again: npm run fuzz -- --target ${target} --seed ${seed}${again}`,
  ].join('\n');
}
