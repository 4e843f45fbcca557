import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { createRandom } from '#testkit/properties/random.ts';
import type { CaseNotes, FuzzTarget } from './fuzz-target.ts';

/** Something that must not happen, and how to see it again. */
export interface FuzzViolation {
  target: string;
  seed: number;
  /** Number of the case; the target as a whole when it is undefined. */
  case: number | undefined;
  message: string;
  /** The beginning of what was tried. */
  excerpt: string;
}

export interface TargetReport {
  target: string;
  cases: number;
  outcomes: Record<string, number>;
  /** Highest share of the step budget that a decision took. */
  mostBudgetShare: number;
  seconds: number;
}

export interface FuzzReport {
  seed: number;
  targets: TargetReport[];
  violations: FuzzViolation[];
  /** Highest resident memory of the process, MiB. */
  peakMiB: number;
}

export interface FuzzOptions {
  targets: readonly FuzzTarget[];
  /** Of all targets together. */
  cases: number;
  seed: number;
  /** This case alone, of each target. */
  only?: number;
  progress?: (line: string) => void;
}

/** Nobody mends more at a time. */
const mostViolations = 10;
const excerptCharacters = 1_500;
const progressEveryMs = 10_000;

/**
 * Tries targets with cases made from a seed. Each case has a chance of its own, so that the same seed and number give
 * the same case, whichever were tried before it.
 */
export async function runFuzz({ targets, cases, seed, only, progress }: FuzzOptions): Promise<FuzzReport> {
  const report: FuzzReport = { seed, targets: [], violations: [], peakMiB: 0 };
  const shares = targets.reduce((sum, { share }) => sum + share, 0);
  const casesOf = (share: number): number => Math.round((cases * share) / shares);
  let shared = 0;
  for (const target of targets) {
    // Rounded by their sums, so that none is left over.
    const count = casesOf(shared + target.share) - casesOf(shared);
    shared += target.share;
    const numbers = only === undefined ? { from: 0, to: count } : { from: only, to: only + 1 };
    report.targets.push(await tryTarget(target, numbers, { seed, report, progress }));
  }
  report.peakMiB = Math.round(process.resourceUsage().maxRSS / 1_024);
  return report;
}

interface Context {
  seed: number;
  report: FuzzReport;
  progress: FuzzOptions['progress'];
}

async function tryTarget(
  target: FuzzTarget,
  { from, to }: { from: number; to: number },
  { seed, report, progress }: Context,
): Promise<TargetReport> {
  const startedMs = performance.now();
  let saidMs = startedMs;
  const told: TargetReport = { target: target.name, cases: 0, outcomes: {}, mostBudgetShare: 0, seconds: 0 };
  const violate = (number: number | undefined, error: unknown, input: unknown): void => {
    const excerpt = excerptOf(input);
    report.violations.push({ target: target.name, seed, case: number, message: messageOf(error), excerpt });
  };
  const open = await target.open();
  let found = 0;
  for (let number = from; number < to && found < mostViolations; number++) {
    let input: unknown;
    const notes = notesOf(told, (value) => {
      input = value;
    });
    try {
      const ran = open.run(createRandom(seedOf(seed, target.name, number)), notes);
      if (ran !== undefined) await ran;
    } catch (error) {
      found++;
      violate(number, error, input);
    }
    told.cases++;
    const nowMs = performance.now();
    if (nowMs - saidMs < progressEveryMs) continue;
    saidMs = nowMs;
    progress?.(`${target.name}: ${told.cases} of ${to - from} cases, ${found} violations`);
  }
  await open.close?.().catch((error: unknown) => violate(undefined, error, undefined));
  told.seconds = Number(((performance.now() - startedMs) / 1_000).toFixed(1));
  progress?.(`${target.name}: ${told.cases} cases in ${told.seconds} s, ${found} violations`);
  return told;
}

function notesOf(told: TargetReport, input: CaseNotes['input']): CaseNotes {
  return {
    input,
    outcome: (name) => {
      told.outcomes[name] = (told.outcomes[name] ?? 0) + 1;
    },
    budgetShare: (share) => {
      told.mostBudgetShare = Math.max(told.mostBudgetShare, share);
    },
  };
}

const seedOf = (seed: number, target: string, number: number): number =>
  createHash('sha256').update(`${seed} ${target} ${number}`).digest().readUInt32LE();

const messageOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message).slice(0, excerptCharacters) : String(error);

function excerptOf(input: unknown): string {
  if (input instanceof Uint8Array)
    return Buffer.from(input.subarray(0, excerptCharacters)).toString('latin1');
  const text = typeof input === 'string' ? input : inspect(input, { depth: 6, maxStringLength: 300 });
  return text.slice(0, excerptCharacters);
}
