import { describeAge } from '#shared/core/text/age.ts';

/** Something that is wrong, and what to do about it. */
export interface Problem {
  message: string;
  advice: string;
}

/** What is known of one part of the installation. */
export interface Finding {
  about: string;
  /** One line. */
  summary: string;
  problems: readonly Problem[];
  /** Why it could not be looked at. */
  unseen?: string;
  /** The same for a machine. */
  facts: Readonly<Record<string, unknown>>;
}

export const unseen = (about: string, why: string): Finding => ({
  about,
  summary: 'not seen',
  problems: [],
  unseen: why,
  facts: {},
});

/** `2026-12-01 12:00Z (in 6 d)`, `... (3 h ago)`. */
export function describeTime(timeMs: number, nowMs: number): string {
  const stamp = `${new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ')}Z`;
  const age = describeAge(Math.abs(timeMs - nowMs));
  return `${stamp} (${timeMs > nowMs ? `in ${age}` : `${age} ago`})`;
}
