/** A value measured again and again, at a time in ms. */
export interface Sample {
  atMs: number;
  value: number;
}

/** How a value moves in an hour, and where that lies with a confidence of 99 %. */
export interface Trend {
  perHour: number;
  low: number;
  high: number;
  /** What it rose by in the time that was judged, by its slope. */
  rise: number;
  /** In the middle of that time. */
  level: number;
}

/** Blocks of time whose floors are the points: memory goes up and down with each collection, its floor does not. */
const blockCount = 12;
/** Share of the time at the start in which code is compiled and caches are filled. */
const warmUpShare = 1 / 3;
/** Student's t of 99 %, two-sided, for the degrees of freedom that 12 points leave a line. */
const deviations = 3.169;
const hourMs = 3_600_000;

/** Fits a line to the floors of a value after its warm-up. @throws Error when a block has no sample */
export function trendOf(samples: readonly Sample[]): Trend {
  const [beginMs = 0, endMs = 0] = [samples[0]?.atMs, samples.at(-1)?.atMs];
  const fromMs = beginMs + (endMs - beginMs) * warmUpShare;
  const points = floorsOf(samples, fromMs, endMs);
  const middle: Sample = { atMs: mean(points, 'atMs'), value: mean(points, 'value') };
  const spread = sum(points, ({ atMs }) => (atMs - middle.atMs) ** 2);
  const slope = sum(points, ({ atMs, value }) => (atMs - middle.atMs) * (value - middle.value)) / spread;
  const rest = sum(points, ({ atMs, value }) => {
    const expected = middle.value + slope * (atMs - middle.atMs);
    return (value - expected) ** 2;
  });
  const reach = deviations * Math.sqrt(rest / (points.length - 2) / spread);
  return {
    perHour: slope * hourMs,
    low: (slope - reach) * hourMs,
    high: (slope + reach) * hourMs,
    rise: slope * (endMs - fromMs),
    level: middle.value,
  };
}

/** The smallest value of each block, in the middle of the block. */
function floorsOf(samples: readonly Sample[], fromMs: number, endMs: number): Sample[] {
  const blockMs = (endMs - fromMs) / blockCount;
  return Array.from({ length: blockCount }, (_, index) => {
    const [first, next] = [fromMs + index * blockMs, fromMs + (index + 1) * blockMs];
    const isLast = index === blockCount - 1;
    const within = samples.filter(({ atMs }) => atMs >= first && (atMs < next || (isLast && atMs <= endMs)));
    if (within.length === 0) throw new Error('too few samples: a twelfth of the time has none');
    return { atMs: first + blockMs / 2, value: Math.min(...within.map(({ value }) => value)) };
  });
}

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);

const mean = (points: readonly Sample[], field: keyof Sample): number =>
  sum(points, (point) => point[field]) / points.length;
