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

/** Writes a foreign value as text, empty for a list or an object: one may say that it has a `toString` of its own. */
export const scalarText = (value: unknown): string => (typeof value === 'object' ? '' : String(value));
