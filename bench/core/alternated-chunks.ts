import { getHeapStatistics } from 'node:v8';
import { type MedianInterval, medianInterval } from '#bench/statistics/median-interval.ts';

/** What one function costs, beside another that is run in turn with it. */
export interface ChunkCost {
  /** CPU time of one call, the shares of garbage collection and compilation included, us. */
  cpuUs: MedianInterval;
  /** Of the cheapest chunk: what it costs when nothing disturbs. */
  bestUs: number;
  /** To the other function, chunk by chunk, so that what slows both down for a while counts in neither. */
  ratio: MedianInterval;
  bestRatio: number;
}

/** One function may not take more than so many calls of a chunk. */
const mostCalls = 10_000;

/** CPU time of so many calls, us each. */
export function cpuOf(work: () => unknown, calls: number): number {
  const before = process.cpuUsage();
  for (let call = 0; call < calls; call += 1) work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

/** How many calls take about `chunkMs`, at least one; warms the function up. */
function callsOf(work: () => unknown, chunkMs: number): number {
  const endMs = performance.now() + chunkMs * 10;
  let calls = 0;
  while (performance.now() < endMs && calls < mostCalls * 10) {
    work();
    calls += 1;
  }
  return Math.max(1, Math.min(mostCalls, Math.round(calls / 10)));
}

/** Runs chunks of all functions in turn, and compares each with the one named. */
export function alternatedChunks(
  functions: Readonly<Record<string, () => unknown>>,
  { baseline, chunks, chunkMs }: { baseline: string; chunks: number; chunkMs: number },
): Record<string, ChunkCost> {
  const timed = Object.entries(functions).map(([name, work]) => ({
    name,
    work,
    calls: callsOf(work, chunkMs),
    us: [] as number[],
  }));
  for (let chunk = 0; chunk < chunks; chunk += 1) {
    for (const { work, calls, us } of timed) us.push(cpuOf(work, calls));
  }
  const compared = timed.find(({ name }) => name === baseline)?.us ?? [];
  return Object.fromEntries(timed.map(({ name, us }) => [name, chunkCost(us, compared)]));
}

/** The cost of a function from its chunks and those of the other, in the same order. */
export function chunkCost(us: readonly number[], others: readonly number[]): ChunkCost {
  const bestUs = Math.min(...us);
  return {
    cpuUs: medianInterval(us),
    bestUs,
    ratio: medianInterval(us.map((each, index) => each / (others[index] ?? Number.NaN))),
    bestRatio: bestUs / Math.min(...others),
  };
}

const triesOfAllocation = 31;

/** Bytes that one call allocates on the heap: the median of several, as a collection in between hides some. */
export function allocatedBytes(work: () => unknown): number {
  const grownBy = (each: () => unknown): number => {
    const before = getHeapStatistics().used_heap_size;
    each();
    return getHeapStatistics().used_heap_size - before;
  };
  const usual = (each: () => unknown): number =>
    medianInterval(
      Array.from({ length: triesOfAllocation }, () => grownBy(each)).filter((grown) => grown > 0),
    ).median;
  return Math.max(0, usual(work) - usual(() => undefined));
}
