import type { FieldFormat, FieldRule } from '#shared/contracts/rules/rule-recipe.ts';
import { quote } from '#shared/core/text/plain-text.ts';

interface Format {
  /** The characters as a class of a regular expression, and as people read them. */
  characters: string;
  rule: string;
  /** What is wrong with where a character stands, all of which may be there; the end of a sentence. */
  misplaced(value: string, rule: Partial<FieldRule>): string | undefined;
  maxLength: number;
}

const letters = 'a-zA-Z0-9._\\-';
const namesRule = 'letters, digits, "-", "_" and "."';

/** The named formats of recipes; the patterns are linear. Sources: apimachinery validation (IsDNS1123Subdomain, IsConfigMapKey, IsEnvVarName). */
const formats: Record<FieldFormat, Format> = {
  'dns1123-subdomain': {
    characters: 'a-z0-9.\\-',
    rule: 'lower-case letters, digits, "-" and "."',
    misplaced: misplacedInSubdomain,
    maxLength: 253,
  },
  'secret-key': { characters: letters, rule: namesRule, misplaced: misplacedInName, maxLength: 253 },
  'env-name': {
    characters: letters,
    rule: 'letters, digits, "-", "_" and ".", not beginning with a digit',
    misplaced: (value) => (/^[0-9]/.test(value) ? 'may not begin with a digit' : misplacedInName(value)),
    maxLength: 1024,
  },
  'path-segment': { characters: letters, rule: namesRule, misplaced: misplacedInName, maxLength: 253 },
  path: {
    characters: `${letters}/`,
    rule: 'letters, digits, "-", "_", "." and "/"',
    misplaced: misplacedInPath,
    maxLength: 1024,
  },
  arn: {
    characters: `${letters}/:+=@`,
    rule: 'letters, digits and "-_./:+=@"',
    misplaced: misplacedInPath,
    maxLength: 2048,
  },
  'https-url': {
    characters: `${letters}/:`,
    rule: '"https://", a host and a path of letters, digits, "-", "_" and "."',
    misplaced: misplacedInUrl,
    maxLength: 2048,
  },
};

function misplacedInSubdomain(value: string): string | undefined {
  const at = value.search(/^[-.]|[-.]$|\.[-.]|-\./);
  if (at < 0) return undefined;
  if (at === 0 && /^[-.]/.test(value)) return `may not begin with "${value.charAt(0)}"`;
  if (at === value.length - 1) return `may not end with "${value.charAt(at)}"`;
  return `may not have "${value.slice(at, at + 2)}" ${placeOf(at)}`;
}

function misplacedInName(value: string): string | undefined {
  if (value === '.') return 'may not be "."';
  return value.startsWith('..') ? 'may not begin with ".."' : undefined;
}

/** @param before how many characters stand before the path */
function misplacedInPath(
  value: string,
  { leadingSlash = false, leastSegments = 1 }: Partial<FieldRule>,
  before = 0,
): string | undefined {
  if (value.startsWith('/') && !(leadingSlash && value.length > 1)) return 'may not begin with "/"';
  if (value.endsWith('/')) return 'may not end with "/"';
  const at = value.search(/\/\/|(?<=^|\/)(?:\.\.|\.(?=$|\/))/);
  if (at < 0) {
    const segments = value.replace(/^\//, '').split('/').length;
    return segments < leastSegments
      ? `must have at least ${leastSegments} parts with "/" between`
      : undefined;
  }
  if (value.startsWith('//', at)) return `may not have "//" ${placeOf(before + at)}`;
  const what = value.startsWith('..', at) ? 'a part that begins with ".."' : 'a part "."';
  return `may not have ${what} ${placeOf(before + at)}`;
}

function misplacedInUrl(value: string, rule: Partial<FieldRule>): string | undefined {
  const scheme = 'https://';
  if (!value.startsWith(scheme)) return `must begin with "${scheme}"`;
  const end = value.endsWith('/') ? value.length - 1 : value.length;
  const path = value.slice(scheme.length, end);
  const segments = path.split('/').length - 1;
  if (segments === 0) return 'must have a host and a path behind it';
  const colon = (rule.alsoHolds ?? '').includes(':') ? -1 : value.indexOf(':', scheme.length);
  if (colon >= 0) return `may not have ":" ${placeOf(colon)}`;
  const misplaced = misplacedInPath(path, {}, scheme.length);
  const { leastSegments = 1 } = rule;
  if (misplaced !== undefined || segments >= leastSegments) return misplaced;
  return `must have at least ${leastSegments} parts behind the host, with "/" between`;
}

/** People count from one. */
const placeOf = (index: number): string => `(character ${index + 1})`;

const foreign = new Map<string, RegExp>();

/** Finds a character that the format does not have. There are few rules, for `alsoHolds` has few characters. */
function foreignTo({ characters }: Format, alsoHolds = ''): RegExp {
  const all = alsoHolds + characters;
  const known = foreign.get(all);
  if (known !== undefined) return known;
  const made = new RegExp(`[^${all}]`, 'u');
  foreign.set(all, made);
  return made;
}

/** Whether a value of this rule can hold the character; without a format anything can. */
export function mayHold(rule: Partial<FieldRule> | undefined, character: string): boolean {
  if (rule?.format === undefined) return true;
  return !foreignTo(formats[rule.format], rule.alsoHolds).test(character);
}

/** Describes what a rule with a format allows. */
export function formatRule({ format, alsoHolds = '', leadingSlash = false }: Partial<FieldRule>): string {
  if (format === undefined) return '';
  const { rule } = formats[format];
  const more = [...new Set(alsoHolds)].filter((character) => !rule.includes(character)).join('');
  return `${rule}${more && `, besides "${more}"`}${leadingSlash ? ', with one "/" in front at most' : ''}`;
}

/** Longest value where nothing shorter is said: it goes into names, messages and the pod's report all the same. */
const longestField = 4096;

/**
 * Why a value breaks a field's rule, and where, as the end of a sentence ("may hold only ..."); undefined when it does not.
 * @param rule undefined when the manager has none for the field
 */
export function fieldFormatFault(value: string, rule: FieldRule | undefined): string | undefined {
  const format = rule?.format === undefined ? undefined : formats[rule.format];
  const maxLength = Math.min(rule?.maxLength ?? longestField, format?.maxLength ?? longestField);
  if (value.length > maxLength) return `may have at most ${maxLength} characters`;
  if (format !== undefined && rule !== undefined) {
    const at = value.search(foreignTo(format, rule.alsoHolds));
    if (at >= 0) {
      const character = String.fromCodePoint(value.codePointAt(at) ?? 0);
      return `may hold only ${formatRule(rule)}, not ${quote(character)} ${placeOf(at)}`;
    }
    const misplaced = format.misplaced(value, rule);
    if (misplaced !== undefined) return misplaced;
  }
  const prefix = rule?.forbiddenPrefixes.find((forbidden) => value.startsWith(forbidden));
  return prefix === undefined ? undefined : `may not begin with "${prefix}"`;
}
