import type { z } from 'zod';
import { toPlainText } from '#shared/core/text/plain-text.ts';
import { firstOf, schemaFaults } from '#shared/core/text/schema-fault.ts';

const pathOf = (path: readonly PropertyKey[]): string => (path.length === 0 ? '(top level)' : path.join('.'));

/** One line per wrong field, `field: what is wrong`, under a first line that says where they stand. */
export function describeConfigIssues(source: string, issues: readonly z.core.$ZodIssue[]): string {
  return describeProblems(
    source,
    schemaFaults(issues).map(({ path, message }) => `${pathOf(path)}: ${message}`),
  );
}

/** Lists problems that are sentences already, `field: what is wrong`, a line each: the first, and how many more there are. */
export function describeProblems(source: string, problems: readonly string[]): string {
  const { told, more } = firstOf(problems);
  return [
    `${source} has ${problems.length} wrong field(s):`,
    ...told.map((problem) => `  ${toPlainText(problem)}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ].join('\n');
}
