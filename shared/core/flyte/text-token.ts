import { isUtf8 } from 'node:buffer';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';

/**
 * Tokens of the protobuf text format as golang/protobuf v1.3.5 reads them (proto/text_parser.go: advance, unquoteC,
 * unescape), on bytes and in linear time.
 */
export type TextToken =
  | { kind: 'word' | 'symbol'; text: string }
  | { kind: 'string'; bytes: Uint8Array }
  | { kind: 'end' };

const quoteMark = 0x22;
const apostrophe = 0x27;
const backslash = 0x5c;
const lineFeed = 0x0a;
const hash = 0x23;
const symbols = new Set(Buffer.from('<>{}:[];,/'));
const space = new Set(Buffer.from(' \t\n\r'));
const wordBytes = new Set(Buffer.from('-+._ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'));
/** The letters that stand for one byte behind a backslash. */
const simpleEscapes = new Map(
  Object.entries({ a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '?': 63, "'": 39, '"': 34, '\\': 92 }).map(
    ([char, byte]) => [char.charCodeAt(0), byte],
  ),
);
/** How many hexadecimal digits stand behind these. */
const hexDigits = new Map(
  Object.entries({ x: 2, X: 2, u: 4, U: 8 }).map(([char, digits]) => [char.charCodeAt(0), digits]),
);

/** Cuts the text into tokens, the last of kind `end`; adjacent strings are one token. @throws ANNOTATION_MALFORMED when that cannot be done */
export function* tokenize(source: Uint8Array): Generator<TextToken, void> {
  const text = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  let position = skipSpace(text, 0);
  while (position < text.length) {
    const first = text[position] ?? 0;
    if (first === quoteMark || first === apostrophe) {
      const parts: Uint8Array[] = [];
      while (text[position] === quoteMark || text[position] === apostrophe) {
        const end = endOfString(text, position);
        parts.push(unquote(text.subarray(position + 1, end)));
        position = skipSpace(text, end + 1);
      }
      yield { kind: 'string', bytes: Buffer.concat(parts) };
      continue;
    }
    const end = symbols.has(first) ? position + 1 : endOfWord(text, position);
    yield { kind: symbols.has(first) ? 'symbol' : 'word', text: text.toString('latin1', position, end) };
    position = skipSpace(text, end);
  }
  yield { kind: 'end' };
}

function malformedToken(what: string): LatchkeyError {
  return new LatchkeyError('ANNOTATION_MALFORMED', `is not protobuf text: ${what}`);
}

function skipSpace(text: Buffer, from: number): number {
  let position = from;
  for (;;) {
    const byte = text[position];
    if (byte === hash) {
      const end = text.indexOf(lineFeed, position);
      if (end < 0) return text.length;
      position = end + 1;
    } else if (byte !== undefined && space.has(byte)) position++;
    else return position;
  }
}

function endOfWord(text: Buffer, from: number): number {
  let position = from;
  while (wordBytes.has(text[position] ?? 0)) position++;
  if (position === from) throw malformedToken(`unexpected character at byte ${from + 1}`);
  return position;
}

/** Position of the closing quote of the string that opens at `from`. */
function endOfString(text: Buffer, from: number): number {
  for (let position = from + 1; position < text.length; position++) {
    const byte = text[position];
    if (byte === text[from]) return position;
    if (byte === lineFeed) break;
    if (byte === backslash) position++;
  }
  throw malformedToken(`unmatched quote at byte ${from + 1}`);
}

function unquote(inner: Buffer): Uint8Array {
  if (!inner.includes(backslash)) return inner;
  // Go checks the encoding only of strings that hold an escape.
  if (!isUtf8(inner)) throw malformedToken('invalid UTF-8 in a string with escapes');
  // No escape is shorter than its bytes.
  const bytes = Buffer.allocUnsafe(inner.length);
  let length = 0;
  for (let position = 0; position < inner.length; position++) {
    const byte = inner[position] ?? 0;
    if (byte !== backslash) bytes[length++] = byte;
    else {
      const read = readEscape(inner, position + 1);
      if (read.isByte) bytes[length++] = read.value;
      // A lone surrogate becomes U+FFFD, in Go's string(rune) as in Buffer.write.
      else length += bytes.write(String.fromCodePoint(read.value), length);
      position += read.length;
    }
  }
  return bytes.subarray(0, length);
}

/** Reads the escape behind a backslash: one byte, or a code point. */
function readEscape(inner: Buffer, from: number): { value: number; isByte: boolean; length: number } {
  const char = inner[from] ?? 0;
  const simple = simpleEscapes.get(char);
  if (simple !== undefined) return { value: simple, isByte: true, length: 1 };
  const octal = readDigits(inner, from, 3, 8);
  if (octal !== undefined && octal <= 0xff) return { value: octal, isByte: true, length: 3 };
  const digits = hexDigits.get(char);
  const value = digits === undefined ? undefined : readDigits(inner, from + 1, digits, 16);
  if (digits === undefined || value === undefined) throw malformedToken('unknown escape');
  if (value > 0x10ffff) throw malformedToken('escape is not a Unicode code point');
  return { value, isByte: digits === 2, length: 1 + digits };
}

/** Reads exactly so many digits; undefined when there is anything else among them. */
function readDigits(text: Buffer, from: number, count: number, base: 8 | 16): number | undefined {
  let value = 0;
  for (let position = from; position < from + count; position++) {
    const digit = digitOf(text[position] ?? 0);
    if (digit === undefined || digit >= base) return undefined;
    value = value * base + digit;
  }
  return value;
}

function digitOf(byte: number): number | undefined {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  // Lower case, whatever it was.
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : undefined;
}
