import type { LoadCase, LoadFailure } from '#testkit/load/admission-load.ts';
import { startNodeLoad } from './node-load.ts';
import type { RealCluster } from './real-cluster.ts';

/** How admissions went while something was done to the cluster. */
export interface LoadResult {
  admissions: number;
  failures: readonly LoadFailure[];
  /** From the first request of a row of refused ones to the end of its last one; 0 when none was refused. */
  longestRefusalMs: number;
  p99Ms: number;
  maxMs: number;
  /** Without the answers before and after. */
  tookMs: number;
}

/** Answers before something is done, and after it. */
const answersAround = 100;
/** So many come well within the time that a wait for them takes at most. */
const answersAtOnce = 500;
/** Refused requests that are further apart belong to two rows. */
const apartMs = 1_000;

/** Asks for admissions without a break while `work` is done, and judges every answer. */
export async function underLoad(
  cluster: RealCluster,
  cases: readonly LoadCase[],
  work: () => Promise<void>,
  answersAfter = answersAround,
): Promise<LoadResult> {
  const load = await startNodeLoad(cluster, cases);
  await load.untilAnswered(answersAround);
  const startedMs = performance.now();
  await work();
  const tookMs = Math.round(performance.now() - startedMs);
  for (let left = answersAfter; left > 0; left -= answersAtOnce) {
    await load.untilAnswered(Math.min(left, answersAtOnce));
  }
  const { clients } = await load.stop();
  const failures = load.failures();
  return {
    admissions: clients.reduce((sum, { answered, failed }) => sum + answered + failed, 0),
    failures,
    longestRefusalMs: longestRefusalMs(failures),
    p99Ms: Math.round(Math.max(...clients.map((client) => client.p99Ms))),
    maxMs: Math.round(Math.max(...clients.map((client) => client.maxMs))),
    tookMs,
  };
}

const shownFailures = 5;

/** One line for a person: the first failures stand for all. */
export const describeLoad = ({ failures, ...rest }: LoadResult): string =>
  JSON.stringify({ ...rest, refused: failures.length, first: failures.slice(0, shownFailures) });

/** The longest row of failures, each sent soon after the one before had failed. */
export function longestRefusalMs(failures: readonly Pick<LoadFailure, 'sentAtMs' | 'failedAtMs'>[]): number {
  const inOrder = failures.toSorted((left, right) => left.sentAtMs - right.sentAtMs);
  let [longest, startedAtMs, endedAtMs] = [0, 0, Number.NEGATIVE_INFINITY];
  for (const { sentAtMs, failedAtMs } of inOrder) {
    if (sentAtMs > endedAtMs + apartMs) startedAtMs = sentAtMs;
    endedAtMs = Math.max(endedAtMs, failedAtMs);
    longest = Math.max(longest, endedAtMs - startedAtMs);
  }
  return Math.round(longest);
}
