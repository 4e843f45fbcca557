import { diff } from 'node:util';

const context = 2;
const signs = new Map([
  [0, '  '],
  [1, '- '],
  [-1, '+ '],
]);
/** Lines a side, beyond which the shortest difference is not looked for: it costs the square of them. */
export const mostMinimalLines = 1_000;

type MinimalDiff = (
  before: readonly string[],
  after: readonly string[],
) => [operation: number, line: string][];

/**
 * Lists the lines that go (`-`) and come (`+`), with a little of what stays around them and `...` for the rest.
 * @param minimal finds the shortest difference of two lists that have at most {@link mostMinimalLines} each
 */
export function diffLines(
  before: readonly string[],
  after: readonly string[],
  minimal: MinimalDiff = diff,
): string[] {
  const head = commonHead(before, after);
  const tail = commonTail(before.slice(head), after.slice(head));
  const changes = diffMiddle(
    before.slice(head, before.length - tail),
    after.slice(head, after.length - tail),
    minimal,
  );
  const all = [
    ...before.slice(0, head).map((line) => `  ${line}`),
    ...changes,
    ...before.slice(before.length - tail).map((line) => `  ${line}`),
  ];
  const near = all.map((_, index) =>
    all.slice(Math.max(0, index - context), index + context + 1).some((line) => !line.startsWith(' ')),
  );
  return all.flatMap((line, index) => {
    if (near[index]) return [line];
    return index > 0 && near[index - 1] ? ['  ...'] : [];
  });
}

function diffMiddle(before: readonly string[], after: readonly string[], minimal: MinimalDiff): string[] {
  // diff() throws on two empty lists.
  if (before.length + after.length === 0) return [];
  if (Math.max(before.length, after.length) > mostMinimalLines) {
    return (
      insertions(before, after) ?? [...before.map((line) => `- ${line}`), ...after.map((line) => `+ ${line}`)]
    );
  }
  // It calls what only the first list holds an insertion.
  return minimal(before, after).map(([operation, line]) => `${signs.get(operation)}${line}`);
}

/** Takes each line at its first place; undefined where one goes. An injection into a large pod only adds. */
function insertions(before: readonly string[], after: readonly string[]): string[] | undefined {
  let matched = 0;
  const marked = after.map((line) => {
    const stays = matched < before.length && line === before[matched];
    if (stays) matched += 1;
    return `${stays ? ' ' : '+'} ${line}`;
  });
  return matched === before.length ? marked : undefined;
}

function commonHead(before: readonly string[], after: readonly string[]): number {
  const first = before.findIndex((line, index) => line !== after[index]);
  return first === -1 ? before.length : first;
}

function commonTail(before: readonly string[], after: readonly string[]): number {
  const shift = after.length - before.length;
  const last = before.findLastIndex((line, index) => line !== after[index + shift]);
  return before.length - 1 - last;
}
