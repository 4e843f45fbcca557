const context = 2;

/** The lines that go (`-`) and come (`+`), with a little of what stays around them and `...` for the rest. */
export function diffLines(before: readonly string[], after: readonly string[]): string[] {
  const all = align(before, after);
  const near = all.map((_, index) =>
    all.slice(Math.max(0, index - context), index + context + 1).some((line) => !line.startsWith(' ')),
  );
  return all.flatMap((line, index) => {
    if (near[index]) return [line];
    return index > 0 && near[index - 1] ? ['  ...'] : [];
  });
}

/** Length of the longest common subsequence of the two texts from a row and a column on. */
function commonLengths(
  before: readonly string[],
  after: readonly string[],
): (row: number, column: number) => number {
  const width = after.length + 1;
  const lengths = new Uint32Array((before.length + 1) * width);
  const at = (row: number, column: number): number => lengths[row * width + column] ?? 0;
  for (let row = before.length - 1; row >= 0; row--) {
    for (let column = after.length - 1; column >= 0; column--) {
      lengths[row * width + column] =
        before[row] === after[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  return at;
}

/** All lines of both texts along their longest common subsequence. */
function align(before: readonly string[], after: readonly string[]): string[] {
  const common = commonLengths(before, after);
  const lines: string[] = [];
  let [row, column] = [0, 0];
  while (row < before.length && column < after.length) {
    if (before[row] === after[column]) {
      lines.push(`  ${before[row++]}`);
      column++;
    } else if (common(row, column + 1) >= common(row + 1, column)) lines.push(`+ ${after[column++]}`);
    else lines.push(`- ${before[row++]}`);
  }
  const rest = [
    ...before.slice(row).map((line) => `- ${line}`),
    ...after.slice(column).map((line) => `+ ${line}`),
  ];
  return [...lines, ...rest];
}
