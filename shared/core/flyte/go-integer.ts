/** Go's integer literals, strconv.ParseInt with base 0: 0x, 0o, 0b, leading 0 for octal, `_` between digits. */
const literal =
  /^([-+]?)(?:0[xX]((?:_?[0-9a-fA-F])+)|0[oO]((?:_?[0-7])+)|0[bB]((?:_?[01])+)|0((?:_?[0-7])*)|([1-9](?:_?[0-9])*))$/;
const bases = [16, 8, 2, 8, 10] as const;

/** Reads a 32-bit integer as Go's `strconv.ParseInt(text, 0, 32)`; undefined where Go reports an error. */
export function parseGoInteger(text: string): number | undefined {
  const match = literal.exec(text);
  if (match === null) return undefined;
  const group = bases.findIndex((_, index) => match[index + 2] !== undefined);
  const digits = (match[group + 2] ?? '').replaceAll('_', '').replace(/^0+/, '');
  // 32 binary digits are the longest that fit; the bound keeps a long annotation linear.
  if (digits.length > 32) return undefined;
  const magnitude = digits === '' ? 0 : Number.parseInt(digits, bases[group]);
  const value = match[1] === '-' ? 0 - magnitude : magnitude;
  return value >= -(2 ** 31) && value < 2 ** 31 ? value : undefined;
}
