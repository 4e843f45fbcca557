import { LatchkeyError } from '#shared/contracts/error-registry.ts';

/** Flyte's alphabet: lower case, so that an encoded name is also a legal volume name. */
const alphabet = 'abcdefghijklmnopqrstuvwxyz123456';
const digits = Buffer.from(alphabet);
const digitValue = new Int8Array(128).fill(-1);
for (const [value, char] of [...alphabet].entries()) digitValue[char.charCodeAt(0)] = value;

/** Encodes bytes (a string as UTF-8) without padding. */
export function encodeBase32(data: Uint8Array | string): string {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  const encoded = Buffer.allocUnsafe(Math.ceil((bytes.length * 8) / 5));
  let length = 0;
  let buffer = 0;
  let bits = 0;
  for (let position = 0; position < bytes.length; position++) {
    buffer = ((buffer << 8) | (bytes[position] ?? 0)) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) encoded[length++] = digits[(buffer >> (bits - 5)) & 31] ?? 0;
  }
  if (bits > 0) encoded[length++] = digits[(buffer << (5 - bits)) & 31] ?? 0;
  return encoded.toString('latin1', 0, length);
}

/**
 * Decodes as Go's encoding/base32 without padding does: line breaks are skipped, trailing bits ignored, and a last
 * group of 1, 3 or 6 characters dropped whole (`decode` of Go 1.26 has no case for these lengths).
 * @throws ANNOTATION_MALFORMED when it is none, with the position but not the content
 */
export function decodeBase32(text: string): Uint8Array {
  const bytes = Buffer.allocUnsafe(Math.ceil((text.length * 5) / 8));
  let length = 0;
  let buffer = 0;
  let count = 0;
  for (let position = 0; position < text.length; position++) {
    const code = text.charCodeAt(position);
    if (code === 0x0a || code === 0x0d) continue;
    const value = digitValue[code] ?? -1;
    if (value < 0) {
      throw new LatchkeyError('ANNOTATION_MALFORMED', `is not base32 at character ${position + 1}`);
    }
    buffer = ((buffer << 5) | value) & 0xfff;
    count++;
    if ((count * 5) % 8 < 5) bytes[length++] = (buffer >> ((count * 5) % 8)) & 0xff;
  }
  return bytes.subarray(0, length - droppedBytes(count % 8));
}

/** Bytes that full decoding of the last, partial group has written but Go does not. */
function droppedBytes(lastGroupDigits: number): number {
  return lastGroupDigits === 3 ? 1 : lastGroupDigits === 6 ? 3 : 0;
}
