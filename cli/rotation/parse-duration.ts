import { UsageError } from '../command.ts';

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Parses `90s`, `30m`, `2h` or `1d` into ms.
 * @throws UsageError when it is any other text
 */
export function parseDuration(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ms = Number(number) * (unitMs[unit] ?? Number.NaN);
  if (!(ms > 0)) throw new UsageError(`"${text}" is not a duration like 90s, 30m, 2h or 1d`);
  return ms;
}
