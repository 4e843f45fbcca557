import { hash } from 'node:crypto';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { encodeBase32 } from '#shared/core/flyte/base32.ts';

/**
 * What a template can read: the request's fields (absent = empty string), the facts derived from them, and the
 * variables of the inventory entry as `entry.<name>`.
 */
export interface Variables {
  group: string;
  groupVersion: string;
  key: string;
  envVar: string;
  namespace: string;
  /** `<group>_<groupVersion>`, which Flyte encodes as the volume's name. */
  versionedGroup: string;
  /** Stable identity of (group, groupVersion, key): 16 hex digits. */
  id: string;
  entry: Readonly<Record<string, string>>;
}

type RequestVariable = Exclude<keyof Variables, 'entry'>;
type Read = (variables: Variables) => string;

const requestVariables: ReadonlySet<string> = new Set<RequestVariable>([
  'group',
  'groupVersion',
  'key',
  'envVar',
  'namespace',
  'versionedGroup',
  'id',
]);

/** Longest name of a volume: an RFC 1123 label. */
const volumeNameLength = 63;

/** Most filters of one variable; those that latchkey ships have three. */
const mostFilters = 8;
/** What every filter keeps to alone, for each character that it gets: six in JSON, five in base32 of a wide character. */
const growthOfOne = 6;
/** What `goField` and `hash` put around or in place of a short text. */
const charactersAround = 64;

/** Filters by name; one that takes an argument is written `name:argument`. */
const filters = new Map<string, (text: string, argument: string) => string>([
  ['upper', (text) => text.toUpperCase()],
  ['lower', (text) => text.toLowerCase()],
  ['base32', (text) => encodeBase32(text)],
  ['hash', shortHash],
  ['trimStart', trimStart],
  ['trimEnd', trimEnd],
  ['lastSegment', (text) => text.slice(text.lastIndexOf('/') + 1)],
  ['volumeName', (text) => (text.length <= volumeNameLength ? text : `s-${shortHash(text)}`)],
  ['envLiteral', envLiteral],
  ['goField', goField],
]);

/** Names all that templates know, for docs/recipes.md to be held against. */
export const templateNames = { variables: requestVariables, filters: new Set(filters.keys()) };

/** First 16 hex digits of SHA-256: an identity, not a protection. */
export function shortHash(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 16);
}

function trimStart(text: string, character: string): string {
  let start = 0;
  while (start < text.length && text[start] === character) start++;
  return text.slice(start);
}

function trimEnd(text: string, character: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === character) end--;
  return text.slice(0, end);
}

/** Reads a field in a Go template: `.Data.key`, or with `index` where the name is no Go identifier. */
function goField(name: string, object: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
    ? `${object}.${name}`
    : `index ${object} ${JSON.stringify(name)}`;
}

/**
 * Makes a text survive the kubelet's expansion of `$(NAME)` and `$$` in `env[].value` unchanged
 * (kubernetes third_party/forked/golang/expansion: `$$` is one `$`, a single `$` before another character stays).
 */
function envLiteral(text: string): string {
  return text.replace(/(\$+)(\(?)/g, (_, dollars: string, paren: string) =>
    paren === '' ? `${'$$'.repeat(dollars.length - 1)}$${paren}` : `${dollars}${dollars}${paren}`,
  );
}

/** A text that the template renders as it is: `$${` stands for `${`. */
export function literal(text: string): string {
  return text.split('${').join('$${');
}

/** A compiled template. @throws RULES_UNKNOWN when the entry lacks a variable that it reads */
export type Template = Read;

/** A piece of a template: text, or a variable and what its filters make of it. */
export type TemplatePart = string | { variable: string; filter: (text: string) => string; read: Read };

/**
 * Compiles `text ${variable|filter|filter:argument} text`.
 * @param where place in the recipe for the error, for example `edits.env[0].name`
 * @throws RECIPE_INVALID when it is wrong; `fields.problem` says how, without the place
 */
export function compileTemplate(text: string, where: string): Template {
  const parts = parseTemplate(text, where);
  if (parts.every((part) => typeof part === 'string')) {
    const whole = parts.join('');
    return () => whole;
  }
  return (variables) => {
    let rendered = '';
    for (const part of parts) rendered += typeof part === 'string' ? part : part.read(variables);
    return rendered;
  };
}

/** Takes a template apart, in its order. @throws RECIPE_INVALID when it is wrong */
export function parseTemplate(text: string, where: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let position = 0;
  for (let open = text.indexOf('${'); open >= 0; open = text.indexOf('${', position)) {
    if (open > 0 && text[open - 1] === '$') {
      parts.push(`${text.slice(position, open - 1)}\${`);
      position = open + 2;
      continue;
    }
    const close = text.indexOf('}', open);
    if (close < 0) throw invalid(where, 'a "${" is not closed');
    if (open > position) parts.push(text.slice(position, open));
    parts.push(compileExpression(text.slice(open + 2, close), where));
    position = close + 1;
  }
  if (position < text.length) parts.push(text.slice(position));
  return parts;
}

function compileExpression(expression: string, where: string): Exclude<TemplatePart, string> {
  const [name = '', ...filterNames] = expression.split('|');
  if (filterNames.length > mostFilters) {
    throw invalid(where, `"${name}" goes through ${filterNames.length} filters, ${mostFilters} are possible`);
  }
  const steps = filterNames.map((step) => {
    const [filterName = '', ...argument] = step.split(':');
    const filter = filters.get(filterName);
    if (filter === undefined) {
      throw invalid(where, `unknown filter "${filterName}"; there are ${[...filters.keys()].join(', ')}`);
    }
    return { filterName, filter, argument: argument.join(':') };
  });
  // Filters multiply: together they may make no more of a text than one alone can, which templateCost pays for.
  const filter = (text: string): string => {
    let most = growthOfOne * text.length + charactersAround;
    return steps.reduce((filtered, step) => {
      const next = step.filter(filtered, step.argument);
      most += step.argument.length;
      if (next.length > most) throw tooLong(name, step.filterName, where);
      return next;
    }, text);
  };
  const plain = compileVariable(name, where);
  const read: Read = steps.length === 0 ? plain : (variables) => filter(plain(variables));
  return { variable: name, filter, read };
}

function compileVariable(name: string, where: string): Read {
  const entryName = /^entry\.([A-Za-z][A-Za-z0-9]*)$/.exec(name)?.[1];
  if (entryName !== undefined) {
    return ({ entry }) => {
      const value = Object.hasOwn(entry, entryName) ? entry[entryName] : undefined;
      if (value === undefined) {
        throw new LatchkeyError(
          'RULES_UNKNOWN',
          `the inventory entry lacks "${entryName}", which ${where} reads`,
        );
      }
      return value;
    };
  }
  if (!isRequestVariable(name)) {
    throw invalid(
      where,
      `unknown variable "${name}"; there are ${[...requestVariables].join(', ')}, entry.<name>`,
    );
  }
  return (variables) => variables[name];
}

function isRequestVariable(name: string): name is RequestVariable {
  return requestVariables.has(name);
}

function tooLong(name: string, filter: string, where: string): LatchkeyError {
  return new LatchkeyError(
    'POD_TOO_LARGE',
    `the request's "${name}" becomes too long by filter "${filter}" in ${where}: ask for a secret with a shorter one`,
  );
}

function invalid(where: string, what: string): LatchkeyError {
  return new LatchkeyError('RECIPE_INVALID', `${where}: ${what}`, { fields: { where, problem: what } });
}
