/** The median of what was measured, and where it lies with a confidence of about 95 %. */
export interface MedianInterval {
  median: number;
  low: number;
  high: number;
}

/** Half the width of an interval of 95 %, in standard deviations. */
const deviations = 1.96;

/**
 * Gives the median and its interval by order statistics, which assume nothing of the distribution: the ranks are those of
 * a binomial of one half. With fewer than six values the interval is all of them.
 */
export function medianInterval(values: readonly number[]): MedianInterval {
  const sorted = values.toSorted((a, b) => a - b);
  const count = sorted.length;
  const reach = (deviations * Math.sqrt(count)) / 2;
  const last = count - 1;
  const at = (rank: number): number => sorted[Math.min(last, Math.max(0, rank))] ?? Number.NaN;
  const middle = (at(Math.floor(last / 2)) + at(Math.ceil(last / 2))) / 2;
  return { median: middle, low: at(Math.floor(count / 2 - reach)), high: at(Math.ceil(last / 2 + reach)) };
}
