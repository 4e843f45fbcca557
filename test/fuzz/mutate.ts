import { isObject } from '#shared/core/text/json-object.ts';
import type { Random } from '#testkit/properties/random.ts';

/** A whole number in [0, limit). */
export const below = (random: Random, limit: number): number => Math.floor(random.upTo(limit));

export const listOf = <T>(count: number, item: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => item(index));

/** Names that have tripped others up: members of every object, escapes, paths, bidi, what is no Unicode. */
export const oddTexts: readonly string[] = [
  '',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '\u202Edrowssap\u2066',
  '\u0000',
  '\u001b[2J',
  '\uD800',
  'a\u2028b',
  '\u200B',
  'ß',
  '..',
  '../..',
  '/',
  '//etc/flyte/../flyte/secrets/db/',
  '~0~1',
  '$(HOME)',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of latchkey's own
  '${group}',
  '{{ .Data }}',
  '*',
  '-',
  '0',
  'a'.repeat(64),
  'a'.repeat(254),
  'x/'.repeat(700),
  '\u{1F511}'.repeat(300),
];

const oddValues: readonly unknown[] = [
  ...oddTexts,
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  Number.MAX_SAFE_INTEGER,
  [],
  {},
  [[]],
  [null],
  [{}],
  { toString: 1 },
  { toString: null, valueOf: 1 },
  { length: 5 },
  { length: { toString: null, valueOf: 1 } },
  { name: { toString: 1 } },
  { name: 'v', mountPath: '/etc/flyte/secrets' },
];

export const oddText = (random: Random): string => random.pick(oddTexts);
const oddValue = (random: Random): unknown => structuredClone(random.pick(oddValues));

/** Changes one place of a JSON document, in place where it can: a type, a text, a member too many or too few. */
export function mutateJson(random: Random, document: unknown): unknown {
  const place = somePlace(random, document);
  if (place === undefined) return oddValue(random);
  const { parent, name } = place;
  const value = read(parent, name);
  const change = below(random, 8);
  if (change === 0) write(parent, name, oddValue(random));
  else if (change === 1) remove(parent, name);
  else if (change === 2)
    write(parent, Array.isArray(parent) ? parent.length : oddText(random), oddValue(random));
  else if (change === 3) write(parent, name, wrap(random, value));
  else if (change === 4 && Array.isArray(value)) value.push(...repeated(random, value));
  else if (typeof value === 'string') write(parent, name, mutateText(random, value));
  else if (typeof value === 'number')
    write(parent, name, random.pick([-value, value + 1, value * 1e10, value / 3]));
  else write(parent, name, oddValue(random));
  return document;
}

type Parent = unknown[] | Record<string, unknown>;

function somePlace(random: Random, document: unknown): { parent: Parent; name: string | number } | undefined {
  let place: { parent: Parent; name: string | number } | undefined;
  let node = document;
  while (Array.isArray(node) || isObject(node)) {
    const names: (string | number)[] = Array.isArray(node) ? [...node.keys()] : Object.keys(node);
    if (names.length === 0) return place;
    place = { parent: node, name: random.pick(names) };
    node = read(place.parent, place.name);
    if (random.chance(0.15)) return place;
  }
  return place;
}

const read = (parent: Parent, name: string | number): unknown => (parent as Record<string, unknown>)[name];

/** As JSON.parse does: `__proto__` becomes a member. */
function write(parent: Parent, name: string | number, value: unknown): void {
  Object.defineProperty(parent, name, { value, enumerable: true, configurable: true, writable: true });
}

function remove(parent: Parent, name: string | number): void {
  if (Array.isArray(parent)) parent.splice(Number(name), 1);
  else delete parent[name];
}

function wrap(random: Random, value: unknown): unknown {
  const depth = random.pick([1, 1, 2, 70]);
  let wrapped = value;
  for (let level = 0; level < depth; level++) wrapped = random.chance(0.5) ? [wrapped] : { name: wrapped };
  return wrapped;
}

const repeated = (random: Random, list: readonly unknown[]): unknown[] =>
  listOf(random.pick([1, 3, 300]), () => (list.length === 0 ? oddValue(random) : random.pick(list)));

/** The text with a piece cut off, put in, doubled, or in other letters. */
export function mutateText(random: Random, text: string): string {
  const at = below(random, text.length + 1);
  return random.pick<() => string>([
    () => text.slice(0, at),
    () => text.slice(0, at) + oddText(random) + text.slice(at),
    () => text.slice(at) + text.slice(0, at),
    () => text.toUpperCase(),
    () => text + text,
    () => `${text} `,
  ])();
}

const tokens = ['{', '}', '[', ']', '"', '\\', '\\u0000', ',', ':', '1e999', 'null', '\n', '\xff', '\ufeff'];

/** The bytes with some of them changed, cut off, moved, doubled or put in. */
export function mutateBytes(random: Random, bytes: Uint8Array): Uint8Array {
  let mutated = Buffer.from(bytes);
  for (let left = 1 + below(random, 3); left > 0; left--) {
    const at = below(random, mutated.length + 1);
    const [before, after] = [mutated.subarray(0, at), mutated.subarray(at)];
    const change = below(random, 5);
    if (change === 0 && at < mutated.length) mutated[at] = below(random, 256);
    else if (change === 1) mutated = before;
    else if (change === 2)
      mutated = Buffer.concat([before, mutated.subarray(below(random, mutated.length + 1))]);
    else if (change === 3) mutated = Buffer.concat([before, after.subarray(0, below(random, 64)), after]);
    else mutated = Buffer.concat([before, Buffer.from(random.pick(tokens), 'latin1'), after]);
  }
  return mutated;
}

/** JSON of a document that may have been mutated: of what JSON has no text for, `null`. */
export const jsonBytes = (document: unknown): Uint8Array => Buffer.from(JSON.stringify(document) ?? 'null');
