import { describeAge } from '#shared/core/text/age.ts';

/** Describes a problem and its remedy. */
export interface Problem {
  message: string;
  advice: string;
}

/** Describes one part of the installation. */
export interface Finding {
  about: string;
  /** The finding in one line. */
  summary: string;
  problems: readonly Problem[];
  /** Why the part could not be read. */
  unseen?: string;
  /** The finding as data, for `--json`. */
  facts: Readonly<Record<string, unknown>>;
}

export const unseen = (about: string, why: string): Finding => ({
  about,
  summary: 'not seen',
  problems: [],
  unseen: why,
  facts: {},
});

/** Exceeds by far how much clocks differ. */
export const skewMs = 60_000;

/** Formats a time: `2026-12-01 12:00Z (in 6 d)`, `... (3 h ago)`. */
export function describeTime(timeMs: number, nowMs: number): string {
  const stamp = `${new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ')}Z`;
  const age = describeAge(Math.abs(timeMs - nowMs));
  return `${stamp} (${timeMs > nowMs ? `in ${age}` : `${age} ago`})`;
}
