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
const simpleEscapes = new Map(
  Object.entries({ a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '?': 63, "'": 39, '"': 34, '\\': 92 }),
);

/** Cuts the text into tokens, the last of kind `end`; adjacent strings are one token. @throws ANNOTATION_MALFORMED */
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

function malformed(what: string): LatchkeyError {
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
  if (position === from) throw malformed(`unexpected character at byte ${from + 1}`);
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
  throw malformed(`unmatched quote at byte ${from + 1}`);
}

function unquote(inner: Buffer): Uint8Array {
  if (!inner.includes(backslash)) return inner;
  // Go checks the encoding only of strings that hold an escape.
  if (!isUtf8(inner)) throw malformed('invalid UTF-8 in a string with escapes');
  const parts: Uint8Array[] = [];
  let position = 0;
  for (;;) {
    const start = inner.indexOf(backslash, position);
    if (start < 0) break;
    parts.push(inner.subarray(position, start));
    const { bytes, length } = readEscape(inner.subarray(start + 1, start + 10));
    parts.push(bytes);
    position = start + 1 + length;
  }
  parts.push(inner.subarray(position));
  return Buffer.concat(parts);
}

/** Reads one escape from the bytes behind its backslash. */
function readEscape(tail: Buffer): { bytes: Uint8Array; length: number } {
  const char = String.fromCharCode(tail[0] ?? 0);
  const simple = simpleEscapes.get(char);
  if (simple !== undefined) return { bytes: Uint8Array.of(simple), length: 1 };
  const octal = /^[0-3][0-7]{2}/.exec(tail.toString('latin1', 0, 3))?.[0];
  if (octal !== undefined) return { bytes: Uint8Array.of(Number.parseInt(octal, 8)), length: 3 };
  const digits = { x: 2, X: 2, u: 4, U: 8 }[char] ?? 0;
  const hex = tail.toString('latin1', 1, 1 + digits);
  if (digits === 0 || hex.length < digits || !/^[0-9a-fA-F]+$/.test(hex)) throw malformed('unknown escape');
  const value = Number.parseInt(hex, 16);
  if (digits === 2) return { bytes: Uint8Array.of(value), length: 3 };
  if (value > 0x10ffff) throw malformed('escape is not a Unicode code point');
  // A lone surrogate becomes U+FFFD, in Go's string(rune) as in Buffer.from.
  return { bytes: Buffer.from(String.fromCodePoint(value)), length: 1 + digits };
}
