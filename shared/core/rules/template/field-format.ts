import type { FieldFormat, FieldRule } from '#shared/contracts/rules/rule-recipe.ts';

interface Format {
  accepts: (value: string) => boolean;
  rule: string;
  maxLength: number;
}

const segment = /^[-._a-zA-Z0-9]+$/;
const isSegment = (value: string): boolean => segment.test(value) && value !== '.' && !value.startsWith('..');

/** The named formats of recipes; the patterns are linear. Sources: apimachinery validation (IsDNS1123Subdomain, IsConfigMapKey, IsEnvVarName). */
const formats: Record<FieldFormat, Format> = {
  'dns1123-subdomain': {
    accepts: (value) => value.split('.').every((label) => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(label)),
    rule: 'lower-case letters, digits, "-" and "."',
    maxLength: 253,
  },
  'secret-key': { accepts: isSegment, rule: 'letters, digits, "-", "_" and "."', maxLength: 253 },
  'env-name': {
    accepts: (value) =>
      /^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(value) && value !== '.' && !value.startsWith('..'),
    rule: 'letters, digits, "-", "_" and ".", not beginning with a digit',
    maxLength: 1024,
  },
  'path-segment': { accepts: isSegment, rule: 'letters, digits, "-", "_" and "."', maxLength: 253 },
  path: {
    accepts: (value) => value.split('/').every(isSegment),
    rule: 'letters, digits, "-", "_", "." and "/"',
    maxLength: 1024,
  },
  arn: {
    accepts: (value) => value.split('/').every((part) => isSegment(part.replace(/[:+=@]/g, '-'))),
    rule: 'letters, digits and "-_./:+=@"',
    maxLength: 2048,
  },
  'https-url': {
    accepts: isHttpsUrl,
    rule: '"https://", a host and a path of letters, digits, "-", "_" and "."',
    maxLength: 2048,
  },
};

/** Whether a value of this format can hold the character; without a format anything can. */
export function mayHold(format: FieldFormat | undefined, character: string): boolean {
  if (format === undefined) return true;
  const around = format === 'https-url' ? `https://a/b${character}c` : `b${character}c`;
  return formats[format].accepts(around) || (format === 'https-url' && character === ':');
}

/** Describes what a format allows. */
export const formatRule = (format: FieldFormat): string => formats[format].rule;

function isHttpsUrl(value: string): boolean {
  const scheme = 'https://';
  const end = value.endsWith('/') ? -1 : undefined;
  const segments = value.slice(scheme.length, end).split('/');
  return value.startsWith(scheme) && segments.length > 1 && segments.every(isSegment);
}

/** Longest value where nothing shorter is said: it goes into names, messages and the pod's report all the same. */
const longestField = 4096;

/**
 * Why a value breaks a field's rule, as the end of a sentence ("may hold only ..."); undefined when it does not.
 * @param rule undefined when the manager has none for the field
 */
export function formatFault(value: string, rule: FieldRule | undefined): string | undefined {
  const format = rule?.format === undefined ? undefined : formats[rule.format];
  const maxLength = Math.min(rule?.maxLength ?? longestField, format?.maxLength ?? longestField);
  if (value.length > maxLength) return `may have at most ${maxLength} characters`;
  if (format !== undefined && !format.accepts(value)) return `may hold only ${format.rule}`;
  const prefix = rule?.forbiddenPrefixes.find((forbidden) => value.startsWith(forbidden));
  return prefix === undefined ? undefined : `may not begin with "${prefix}"`;
}
