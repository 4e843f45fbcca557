import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

const pathOf = (path: readonly PropertyKey[]): string => (path.length === 0 ? '(top level)' : path.join('.'));

/** Issues of a union are inside its branches: the branch with the fewest is what the author meant. */
function flatten(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
  const closest = [...issue.errors].sort((a, b) => a.length - b.length)[0] ?? [];
  return closest.flatMap((inner) => flatten({ ...inner, path: [...issue.path, ...inner.path] }));
}

/** One line per wrong field, `field: what is wrong`, under a first line that says where they stand. */
export function describeIssues(source: string, issues: readonly Issue[]): string {
  return describeProblems(
    source,
    issues.flatMap(flatten).map((issue) => `${pathOf(issue.path)}: ${issue.message}`),
  );
}

/** The same for problems that are sentences already, `field: what is wrong`. */
export function describeProblems(source: string, problems: readonly string[]): string {
  return [
    `${source} has ${problems.length} wrong field(s):`,
    ...problems.map((problem) => `  ${problem}`),
  ].join('\n');
}
