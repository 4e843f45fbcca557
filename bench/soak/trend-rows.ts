import { trendOf } from './trend.ts';
import { leaks, type WatchedProcess } from './watched-process.ts';

/** A rise that may be a leak: memory is told in whole MiB, and a connection may just be opening. */
export const leastRise = 2;

/** How one thing that a process may leak has moved, for a person. */
interface TrendRow {
  process: string;
  of: string;
  level: number;
  perHour: number;
  '99 %': string;
  isLeak: boolean;
}

/** One row for each process and what it may leak. */
export const trendRows = (watched: readonly WatchedProcess[]): TrendRow[] =>
  watched.flatMap(({ name, samples }) =>
    leaks.map((leak) => {
      const { level, perHour, low, high, rise } = trendOf(samples[leak]);
      return {
        process: name,
        of: leak,
        level: rounded(level),
        perHour: rounded(perHour),
        '99 %': `${rounded(low)} to ${rounded(high)}`,
        isLeak: low > 0 && rise >= leastRise,
      };
    }),
  );

const rounded = (value: number): number => Number(value.toFixed(1));
