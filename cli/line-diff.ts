import { diff } from 'node:util';

const context = 2;
const signs = new Map([
  [0, '  '],
  [1, '- '],
  [-1, '+ '],
]);

/** Lists the lines that go (`-`) and come (`+`), with a little of what stays around them and `...` for the rest. */
export function diffLines(before: readonly string[], after: readonly string[]): string[] {
  // diff() throws on two empty lists, and calls what only the first list holds an insertion.
  const entries = before.length + after.length === 0 ? [] : diff(before, after);
  const all = entries.map(([operation, line]) => `${signs.get(operation)}${line}`);
  const near = all.map((_, index) =>
    all.slice(Math.max(0, index - context), index + context + 1).some((line) => !line.startsWith(' ')),
  );
  return all.flatMap((line, index) => {
    if (near[index]) return [line];
    return index > 0 && near[index - 1] ? ['  ...'] : [];
  });
}
