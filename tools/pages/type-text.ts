import type { JsonSchema } from '#cli/config/config-schema.ts';
import { isSchema } from './schema-fields.ts';

const code = (value: unknown): string => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;

function either(texts: readonly string[]): string {
  const distinct = [...new Set(texts)];
  const last = distinct.at(-1) ?? '';
  return distinct.length < 2 ? last : `${distinct.slice(0, -1).join(', ')} or ${last}`;
}

/** Says bounds in words; empty where there are none. A limit of JavaScript's numbers is none. */
function boundsText(least: number | undefined, most: number | undefined): string {
  const real = most !== undefined && most < Number.MAX_SAFE_INTEGER ? most : undefined;
  if (least !== undefined && real !== undefined) return `${least} to ${real}`;
  if (least !== undefined) return `at least ${least}`;
  return real === undefined ? '' : `at most ${real}`;
}

function numberText({ type, minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema): string {
  const above = exclusiveMinimum === undefined ? [] : [`above ${exclusiveMinimum}`];
  const below = exclusiveMaximum === undefined ? [] : [`below ${exclusiveMaximum}`];
  const closed = boundsText(minimum, maximum);
  return [`${type}`, [...above, ...below, ...(closed === '' ? [] : [closed])].join(' and ')].join(' ').trim();
}

/** Names of formats whose patterns zod writes out. */
const formatNames: Readonly<Record<string, string>> = { 'date-time': 'RFC 3339 time', base64: 'base64' };

/** Says what a text is, as `plural` where many are meant. */
function stringText(schema: JsonSchema, plural = ''): string {
  const { title, pattern, minLength, maxLength, format = '' } = schema;
  const named = title ?? formatNames[format];
  const what = named ?? (pattern === undefined ? 'string' : `string like ${code(pattern)}`);
  if (maxLength === undefined) return `${minLength === 1 ? 'non-empty ' : ''}${what}${plural}`;
  return `${what}${plural} of ${boundsText(minLength, maxLength)} characters`;
}

function listText({ items, minItems, maxItems }: JsonSchema): string {
  const item = isSchema(items) ? items : {};
  const isText = item.type === 'string' && item.enum === undefined;
  const of = isText ? stringText(item, 's') : typeText(item).replace(/^object$/, 'objects');
  const size = boundsText(minItems, maxItems);
  return `list of ${of}${size === '' ? '' : `, ${size}`}`;
}

function mapText({ properties, propertyNames, additionalProperties }: JsonSchema): string {
  if (properties !== undefined || !isSchema(additionalProperties)) return 'object';
  // The pattern that a name has says more than its length.
  const { maxLength: _, ...name } = isSchema(propertyNames) ? propertyNames : {};
  return `map from ${typeText(name)} to ${typeText(additionalProperties)}`;
}

/** Says in words what a JSON Schema allows, without the fields of an object. */
export function typeText(schema: JsonSchema): string {
  const { anyOf, type } = schema;
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return either(schema.enum.map(code));
  if (anyOf !== undefined) return either(anyOf.map((option) => (isSchema(option) ? typeText(option) : '')));
  if (Array.isArray(type)) return either(type);
  if (type === 'integer' || type === 'number') return schema.title ?? numberText(schema);
  if (type === 'string') return stringText(schema);
  if (type === 'array') return listText(schema);
  if (type === 'object') return mapText(schema);
  return type ?? schema.title ?? 'any JSON';
}
