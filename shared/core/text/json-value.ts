/** A JSON object of foreign origin. Its members are data: `__proto__` is a key like any other. */
export interface JsonObject {
  [key: string]: unknown;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An own member, never one that Object.prototype lends. */
export function member(object: unknown, name: string): unknown {
  return isObject(object) && Object.hasOwn(object, name) ? object[name] : undefined;
}

/**
 * Whether `actual` already says all that `wanted` says. The API server adds defaults and leaves out zero values, so
 * more members are fine, and '' and false equal an absent member; a wanted undefined must be absent.
 */
export function isSuperset(actual: unknown, wanted: unknown): boolean {
  if (wanted === undefined || wanted === null) return actual === undefined || actual === null;
  if (wanted === '' || wanted === false) return actual === wanted || actual === undefined || actual === null;
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(actual) &&
      actual.length === wanted.length &&
      wanted.every((item, index) => isSuperset(actual[index], item))
    );
  }
  if (!isObject(wanted)) return actual === wanted;
  return (
    isObject(actual) &&
    Object.entries(wanted).every(([name, value]) => isSuperset(member(actual, name), value))
  );
}

/** Deepest nesting of arrays and objects that is read; a Kubernetes object needs about 20. */
const deepest = 64;
const quoteMark = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Whether JSON text nests deeper than any honest object: to be asked before anything recurses into it. */
export function nestsTooDeep(json: Uint8Array): boolean {
  let depth = 0;
  for (let position = 0; position < json.length; position++) {
    const byte = json[position] ?? 0;
    if (byte === quoteMark) position = endOfString(json, position);
    else if (byte === openBracket || byte === openBrace) depth++;
    else if (byte === closeBracket || byte === closeBrace) depth--;
    if (depth > deepest) return true;
  }
  return false;
}

function endOfString(json: Uint8Array, from: number): number {
  let position = from + 1;
  while (position < json.length && json[position] !== quoteMark) {
    position += json[position] === backslash ? 2 : 1;
  }
  return position;
}
