import { isUtf8 } from 'node:buffer';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';

/**
 * Tokens of the protobuf text format as golang/protobuf v1.3.5 reads them (proto/text_parser.go: advance, unquoteC,
 * unescape), in linear time. Texts are binary: a character stands for a byte.
 */
export interface TextToken {
  kind: 'word' | 'symbol' | 'string' | 'end';
  /** Of a string what it stands for, without quotes and escapes. */
  text: string;
}

const quoteMark = 0x22;
const apostrophe = 0x27;
const backslash = 0x5c;
const lineFeed = 0x0a;
const hash = 0x23;
const [other, space, symbol, word] = [0, 1, 2, 3];
const wordCharacters = '-+._ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const classOf = new Uint8Array(256).fill(other);
for (const [characters, kind] of [
  [' \t\n\r', space],
  ['<>{}:[];,/', symbol],
  [wordCharacters, word],
] as const) {
  for (const character of characters) classOf[character.charCodeAt(0)] = kind;
}
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

/** Cuts a text into tokens; adjacent strings are one token. */
export class TextTokens {
  readonly #text: string;
  #position: number;

  /** @param text binary */
  constructor(text: string) {
    this.#text = text;
    this.#position = skipSpace(text, 0);
  }

  /** Takes the next token, behind the last one `end`. @throws ANNOTATION_MALFORMED when there is none */
  next(): TextToken {
    const text = this.#text;
    const start = this.#position;
    if (start >= text.length) return { kind: 'end', text: '' };
    const first = text.charCodeAt(start);
    if (isQuote(first)) return { kind: 'string', text: this.#readStrings() };
    const isSymbol = classOf[first] === symbol;
    const end = isSymbol ? start + 1 : endOfWord(text, start);
    this.#position = skipSpace(text, end);
    return { kind: isSymbol ? 'symbol' : 'word', text: text.slice(start, end) };
  }

  #readStrings(): string {
    let joined = '';
    while (isQuote(this.#text.charCodeAt(this.#position))) {
      const end = endOfString(this.#text, this.#position);
      joined += unquote(this.#text.slice(this.#position + 1, end));
      this.#position = skipSpace(this.#text, end + 1);
    }
    return joined;
  }
}

const isQuote = (character: number): boolean => character === quoteMark || character === apostrophe;

function malformedToken(what: string): LatchkeyError {
  return new LatchkeyError('ANNOTATION_MALFORMED', `is not protobuf text: ${what}`);
}

function skipSpace(text: string, from: number): number {
  let position = from;
  for (;;) {
    const character = text.charCodeAt(position);
    if (character === hash) {
      const end = text.indexOf('\n', position);
      if (end < 0) return text.length;
      position = end + 1;
    } else if (classOf[character] === space) position++;
    else return position;
  }
}

function endOfWord(text: string, from: number): number {
  let position = from;
  while (classOf[text.charCodeAt(position)] === word) position++;
  if (position === from) throw malformedToken(`unexpected character at byte ${from + 1}`);
  return position;
}

/** Position of the closing quote of the string that opens at `from`. */
function endOfString(text: string, from: number): number {
  const quote = text.charCodeAt(from);
  for (let position = from + 1; position < text.length; position++) {
    const character = text.charCodeAt(position);
    if (character === quote) return position;
    if (character === lineFeed) break;
    if (character === backslash) position++;
  }
  throw malformedToken(`unmatched quote at byte ${from + 1}`);
}

function unquote(quoted: string): string {
  if (!quoted.includes('\\')) return quoted;
  const inner = Buffer.from(quoted, 'latin1');
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
  return bytes.toString('latin1', 0, length);
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
