import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';

/** What a process that runs tests sends to the one that started it. */
export type TestReport = { kind: 'failure'; where: string; text: string } | { kind: 'sum'; tests: number };

/**
 * Sends each failed test, and the number of all at the end, to the parent process. It prints nothing, so that no output of a test
 * mixes with it.
 */
// biome-ignore lint/style/noDefaultExport: node:test takes the default export of a module as its reporter
export default async function* testReport(events: AsyncIterable<TestEvent>): AsyncGenerator<string, void> {
  for await (const event of events) {
    const report = reportOf(event);
    if (report !== undefined) process.send?.(report);
  }
  yield '';
}

function reportOf({ type, data }: TestEvent): TestReport | undefined {
  if (type === 'test:summary' && data.file === undefined) {
    return { kind: 'sum', tests: data.counts.tests };
  }
  if (type !== 'test:fail' || data.todo !== undefined) return undefined;
  const { name, file = '', line = 0, details } = data;
  const { cause } = details.error;
  // Leaves out a test that failed only because one inside it did.
  if (Reflect.get(details.error, 'failureType') === 'subtestsFailed') return undefined;
  const where = `${relative(process.cwd(), file)}:${line}`;
  return { kind: 'failure', where, text: `${name}\n${inspect(cause ?? details.error)}` };
}
