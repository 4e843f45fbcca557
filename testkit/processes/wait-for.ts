import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

/** How a wait ends: `what` completes the sentence "waited for ...". */
export interface Deadline {
  timeoutMs: number;
  what: string;
  intervalMs?: number;
}

const defaultIntervalMs = 50;

/**
 * Polls `condition` until it gives something truthy, and returns that. A condition that throws has not been met yet.
 * Throws after `timeoutMs`; the error says what was awaited and what the condition gave or threw last.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs, what, intervalMs = defaultIntervalMs }: Deadline,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const attempt = await tryOnce(condition);
    if ('value' in attempt && attempt.value) return attempt.value as NonNullable<T>;
    if (performance.now() >= deadline) {
      const last = 'error' in attempt ? attempt.error : attempt.value;
      const state = last instanceof Error ? last.message : inspect(last, { depth: 6 });
      throw new Error(`waited ${timeoutMs} ms for ${what}; last state: ${state}`, { cause: last });
    }
    await delay(intervalMs);
  }
}

async function tryOnce<T>(condition: () => T | Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await condition() };
  } catch (error) {
    return { error };
  }
}
