import { availableParallelism, cpus, loadavg } from 'node:os';
import process from 'node:process';
import { parseArgs } from 'node:util';

type OptionSet = Readonly<Record<string, { default: number; what: string }>>;

/** What a measurement found. `missed` says which part of the target was not met, one sentence each. */
export interface BenchResult {
  figures: Readonly<Record<string, number | string>>;
  /** Tables for a person, by title. */
  tables?: Readonly<Record<string, readonly object[]>>;
  missed: readonly string[];
}

interface Bench<Options extends OptionSet, Flag extends string, Text extends string> {
  /** As after `npm run`. */
  name: string;
  /** What it proves, for `--help`. */
  what: string;
  options: Options;
  flags?: Readonly<Record<Flag, string>>;
  /** Options that take a text, a file's name for instance; absent unless given. */
  texts?: Readonly<Record<Text, string>>;
  /** `say` writes a line of progress. */
  run: (
    values: { [Name in keyof Options]: number },
    flags: ReadonlySet<Flag>,
    say: (line: string) => void,
    texts: Readonly<Partial<Record<Text, string>>>,
  ) => Promise<BenchResult>;
}

/**
 * A measurement as a command: numbers as options, `--json` for the result as one object on standard output, progress
 * on standard error, exit code 1 when the target is missed.
 */
export async function runBenchCommand<
  Options extends OptionSet,
  Flag extends string = never,
  Text extends string = never,
>(bench: Bench<Options, Flag, Text>): Promise<void> {
  const names = Object.keys(bench.options);
  const flagNames = Object.keys(bench.flags ?? {}) as Flag[];
  const textNames = Object.keys(bench.texts ?? {}) as Text[];
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      help: { type: 'boolean' },
      ...Object.fromEntries([...names, ...textNames].map((name) => [name, { type: 'string' as const }])),
      ...Object.fromEntries(flagNames.map((name) => [name, { type: 'boolean' as const }])),
    },
  });
  const given = values as Readonly<Record<string, string | boolean | undefined>>;
  if (given.help === true) {
    process.stdout.write(helpOf(bench));
    return;
  }
  const numbers = Object.fromEntries(
    names.map((name) => [name, numberOf(name, given[name], bench.options[name]?.default ?? 0)]),
  ) as { [Name in keyof Options]: number };
  const flags = new Set(flagNames.filter((name) => given[name] === true));
  const texts = Object.fromEntries(textNames.flatMap((name) => textOf(name, given[name]))) as Partial<
    Record<Text, string>
  >;
  const startedMs = performance.now();
  const seconds = () => ((performance.now() - startedMs) / 1_000).toFixed(1);
  const say = (line: string): void => void process.stderr.write(`${seconds().padStart(7)} s  ${line}\n`);

  const result = await bench.run(numbers, flags, say, texts);
  const report = {
    bench: bench.name,
    options: { ...numbers, ...texts },
    flags: [...flags],
    machine: machine(),
    ...result,
  };
  if (given.json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
  else print(report);
  process.exitCode = result.missed.length === 0 ? 0 : 1;
}

function numberOf(name: string, text: string | boolean | undefined, fallback: number): number {
  const number = text === undefined ? fallback : Number(text);
  if (!(number >= 0)) throw new Error(`--${name} takes a number, not ${text}`);
  return number;
}

const textOf = <Name extends string>(name: Name, given: string | boolean | undefined): [Name, string][] =>
  typeof given === 'string' ? [[name, given]] : [];

const machine = () => ({
  at: new Date().toISOString(),
  cores: availableParallelism(),
  processor: cpus()[0]?.model ?? 'unknown',
  node: process.version,
  /** Of the last 1, 5 and 15 minutes, all that ran on the machine. */
  load: loadavg().map((load) => Number(load.toFixed(1))),
});

function helpOf<Options extends OptionSet, Flag extends string, Text extends string>(
  bench: Bench<Options, Flag, Text>,
): string {
  const options = Object.entries(bench.options).map(
    ([name, option]) => `  ${`--${name} N`.padEnd(18)} ${option.what} (${option.default})\n`,
  );
  const flags = Object.entries<string>(bench.flags ?? {}).map(
    ([name, what]) => `  ${`--${name}`.padEnd(18)} ${what}\n`,
  );
  const texts = Object.entries<string>(bench.texts ?? {}).map(
    ([name, what]) => `  ${`--${name} TEXT`.padEnd(18)} ${what}\n`,
  );
  const json = `  ${'--json'.padEnd(18)} the result as one JSON object on standard output\n`;
  return `Usage: npm run ${bench.name} -- [options]\n\n${bench.what}\n\n${[...options, ...flags, ...texts].join('')}${json}
Exit codes: 0 the target was met, 1 it was not.\n`;
}

function print({
  figures,
  tables = {},
  missed,
  machine: { at, cores, node, load },
}: BenchResult & { machine: ReturnType<typeof machine> }): void {
  console.table(figures);
  for (const [title, rows] of Object.entries(tables)) {
    process.stdout.write(`${title}\n`);
    console.table(rows);
  }
  process.stdout.write(`${at}, ${cores} cores, Node ${node}, load ${load.join(' ')}\n`);
  process.stdout.write(missed.length === 0 ? 'The target was met.\n' : `Missed:\n  ${missed.join('\n  ')}\n`);
}
