import { setTimeout as sleep } from 'node:timers/promises';

/** One checked step of the demo. */
interface StepResult {
  title: string;
  ok: boolean;
  ms: number;
}

/** Tells the demo's story on a stream and remembers how each step went. */
export interface Narrator {
  /** Runs one step, timed; `show` adds lines under its title. A step that throws is shown and ends the demo. */
  step(title: string, run: (show: (text: string) => void) => Promise<void>): Promise<void>;
  results(): readonly StepResult[];
}

const indent = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');

/** @param options.color ANSI colours, for a terminal */
export function createNarrator(options: { write: (text: string) => void; color: boolean }): Narrator {
  const paint = (code: number, text: string): string =>
    options.color ? `\u001b[${code}m${text}\u001b[0m` : text;
  const results: StepResult[] = [];
  return {
    results: () => results,
    step: async (title, run) => {
      options.write(`\n${paint(1, `${results.length + 1}. ${title}`)}\n`);
      const startedAtMs = performance.now();
      const finish = (ok: boolean): void => {
        const ms = Math.round(performance.now() - startedAtMs);
        results.push({ title, ok, ms });
        options.write(`  ${ok ? paint(32, 'ok') : paint(31, 'FAILED')} (${ms} ms)\n`);
      };
      try {
        await run((text) => options.write(`${indent(text)}\n`));
        finish(true);
      } catch (err) {
        options.write(`${indent(err instanceof Error ? err.message : String(err))}\n`);
        finish(false);
        throw err;
      }
    },
  };
}

/** The last lines: every step with its time, and whether all of them held. */
export function summarize(results: readonly StepResult[]): string {
  const width = Math.max(...results.map(({ title }) => title.length));
  const rows = results.map(
    ({ title, ok, ms }) =>
      `  ${ok ? 'ok    ' : 'FAILED'}  ${title.padEnd(width)}  ${String(ms).padStart(6)} ms`,
  );
  const failed = results.filter(({ ok }) => !ok).length;
  return [...rows, failed === 0 ? `\nAll ${results.length} steps held.` : `\n${failed} step(s) failed.`].join(
    '\n',
  );
}

/** The last lines of a demo that ended early: a failed step has shown its error itself, any other one is shown here. */
export function summarizeFailure(results: readonly StepResult[], err: unknown): string {
  if (results.some(({ ok }) => !ok)) return summarize(results);
  return `FAILED outside a step: ${err instanceof Error ? (err.stack ?? err.message) : String(err)}`;
}

/** Waits until a signal asks the demo to end. */
export async function untilInterrupted(process: NodeJS.Process): Promise<void> {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  while (!interrupted.signal.aborted) {
    await sleep(60_000, undefined, { signal: interrupted.signal }).catch(() => undefined);
  }
}
