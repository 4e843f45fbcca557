import { isObject, type JsonObject, member, scalarText } from '#shared/core/text/json-object.ts';
import { quote } from '#shared/core/text/plain-text.ts';
import type { YamlDocument } from '#shared/runtime/yaml-documents.ts';
import { describeYamlFault, readYaml } from '#shared/runtime/yaml-text.ts';
import { collectFields, type FlyteField, isKnownField } from './flyte-fields.ts';
import { foldName } from './fold-name.ts';

/** A place where Flyte's webhook could be configured. */
export interface FlyteSection {
  /** Where it is, for people: `document 2, ConfigMap flyte/flyte-propeller-config: core.yaml`. */
  place: string;
  fields: Map<string, FlyteField>;
  /** The chart of whose values it is a part, where the chart adds fields that they do not show. */
  chart: 'flyte-binary' | 'flyte-binary of Flyte 2' | undefined;
}

/** What was found, and what was not taken. */
export interface FoundSections {
  sections: FlyteSection[];
  /** Places of sections that hold nothing of Flyte's webhook. */
  foreign: string[];
  /** Files in ConfigMaps and Secrets that look like Flyte's and cannot be read, with the reason. */
  unreadable: string[];
  /** Objects outside of the file from which the values of a chart take configuration too. */
  elsewhere: string[];
}

/**
 * Finds every section `webhook`, with the section `secrets` beside it, of which at least one field is known. Searched are
 * files of Flyte, ConfigMaps and Secrets that hold them, Lists of these, and the values of a chart, however deep.
 */
export function findFlyteSections(documents: readonly YamlDocument[]): FoundSections {
  const found: FoundSections = { sections: [], foreign: [], unreadable: [], elsewhere: [] };
  for (const { value, number } of documents) {
    const before = found.sections.length;
    collectObject(value, documents.length === 1 ? [] : [`document ${number}`], found);
    if (!isOfFlyte2(value)) continue;
    for (const section of found.sections.slice(before)) section.chart &&= 'flyte-binary of Flyte 2';
  }
  // The section `secrets` alone counts where nothing else does.
  const withWebhook = found.sections.filter(({ fields }) => hasWebhook(fields));
  return { ...found, sections: distinct(withWebhook.length > 0 ? withWebhook : found.sections) };
}

/** Tells values of the chart flyte-binary of Flyte 2, which has its database where Flyte 1 has none. */
export const isOfFlyte2 = (values: unknown): boolean =>
  isObject(member(member(member(values, 'configuration'), 'database'), 'postgres'));

const hasWebhook = (fields: FlyteSection['fields']): boolean =>
  [...fields.keys()].some((path) => path.startsWith('webhook.') && isKnownField(path));

/** Copies of one section are one: a backup beside the original, one cluster's beside another's. */
function distinct(sections: readonly FlyteSection[]): FlyteSection[] {
  const byContent = new Map<string, FlyteSection>();
  for (const section of sections) {
    const values = [...section.fields].map(([path, { value }]) => JSON.stringify([path, value]));
    const content = JSON.stringify([section.chart, values.sort()]);
    if (!byContent.has(content)) byContent.set(content, section);
  }
  return [...byContent.values()];
}

function collectObject(value: unknown, path: readonly string[], found: FoundSections): void {
  const kind = member(value, 'kind');
  const items = member(value, 'items');
  if (scalarText(kind).endsWith('List') && Array.isArray(items)) {
    for (const [index, item] of items.entries()) collectObject(item, [...path, `items[${index}]`], found);
    return;
  }
  const here = typeof kind === 'string' ? [...path, titleOf(value, kind)] : path;
  if (kind === 'ConfigMap') collectFiles(member(value, 'data'), here.join(', '), found);
  else if (kind === 'Secret') collectFiles(decodedData(value), here.join(', '), found);
  else collectDeep(value, { where: here.join(', '), steps: [] }, found);
}

function titleOf(value: unknown, kind: string): string {
  const metadata = member(value, 'metadata');
  const name = [member(metadata, 'namespace'), member(metadata, 'name')].filter(Boolean).join('/');
  return [kind, name].filter(Boolean).join(' ');
}

/** Decodes the files of a Secret, which flyte-binary reads like those of a ConfigMap (configuration.inlineSecretRef). */
function decodedData(secret: unknown): JsonObject {
  const data = member(secret, 'data');
  const decoded = Object.entries(isObject(data) ? data : {}).map(([name, text]) => [
    name,
    Buffer.from(scalarText(text), 'base64').toString('utf8'),
  ]);
  const stringData = member(secret, 'stringData');
  return { ...Object.fromEntries(decoded), ...(isObject(stringData) ? stringData : {}) };
}

/** Merges the files of a ConfigMap or Secret as Flyte merges them, later ones over earlier ones. */
function collectFiles(data: unknown, where: string, found: FoundSections): void {
  const merged: FlyteSection['fields'] = new Map();
  const merging: string[] = [];
  const files = isObject(data) ? Object.entries(data) : [];
  for (const [name, text] of files.sort(([left], [right]) => (left < right ? -1 : 1))) {
    const content = readFileText(scalarText(text), `${where}: ${name}`, found);
    const own = sectionFields(content);
    if (isWebhookSection(own)) {
      for (const [path, field] of own) merged.set(path, field);
      merging.push(name);
    }
    collectBesideSections(content, `${where}: ${name}`, found);
  }
  if (merging.length > 0) {
    found.sections.push({ place: `${where}: ${merging.join(', ')}`, fields: merged, chart: undefined });
  }
}

/** Collects from the rest of a file: a ConfigMap may hold the values of a chart. */
function collectBesideSections(content: unknown, where: string, found: FoundSections): void {
  const isSection = isWebhookSection(sectionFields(content));
  for (const [step, inner] of isObject(content) ? Object.entries(content) : []) {
    if (!isSectionName(step)) collectDeep(inner, { where, steps: [step] }, found);
    else if (!isSection) found.foreign.push(`${where}: ${step}`);
  }
}

/** Reads a file in a ConfigMap or Secret. One that is no YAML is some other program's, unless it looks like Flyte's. */
function readFileText(text: string, place: string, found: FoundSections): unknown {
  const read = readYaml(text);
  if (!('faults' in read)) return read.value;
  const [why] = read.faults.map(describeYamlFault);
  if (/^[ \t]*['"]?webhook/im.test(text)) found.unreadable.push(`${place} cannot be read: ${why}`);
  return undefined;
}

interface Position {
  where: string;
  steps: readonly string[];
}

function collectDeep(value: unknown, { where, steps }: Position, found: FoundSections): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      collectDeep(item, { where, steps: [...steps, `[${index}]`] }, found);
    }
    return;
  }
  if (!isObject(value)) return;
  const fields = sectionFields(value);
  const isSection = isWebhookSection(fields);
  if (isSection) {
    const [name = ''] = [...fields.values()].map(({ shown }) => shown.split('.', 1)[0]);
    const place = placeOf({ where, steps: [...steps, name] });
    found.sections.push({ place, fields, chart: chartOf(steps) });
  }
  for (const [name, inner] of Object.entries(value)) {
    const position = { where, steps: [...steps, name] };
    if (name === 'configuration') found.elsewhere.push(...namedElsewhere(inner, placeOf(position)));
    if (!isSectionName(name)) collectDeep(inner, position, found);
    else if (!isSection && isObject(inner)) {
      found.foreign.push(placeOf(position));
      collectDeep(inner, position, found);
    }
  }
}

/** Objects by whose files the chart flyte-binary lets its configuration be overridden. */
const referring: Readonly<Record<string, string>> = {
  inlineSecretRef: 'Secret',
  inlineConfigMap: 'ConfigMap',
};

function namedElsewhere(configuration: unknown, place: string): string[] {
  return Object.entries(referring).flatMap(([field, kind]) => {
    const name = member(configuration, field);
    return typeof name === 'string' && name !== '' ? [`${kind} ${quote(name)} (${place}.${field})`] : [];
  });
}

const placeOf = ({ where, steps }: Position): string =>
  [where, steps.join('.').replaceAll('.[', '[')].filter(Boolean).join(': ');

/** The chart flyte-binary names the webhook after the release, unless the values say it themselves. */
const chartOf = (steps: readonly string[]): FlyteSection['chart'] =>
  /(?:^|\.)configuration\.inline$/.test(steps.join('.')) || steps.at(-1) === 'flyte-core-components'
    ? 'flyte-binary'
    : undefined;

const isSectionName = (name: string): boolean => ['webhook', 'secrets'].includes(foldName(name));

const isWebhookSection = (fields: ReadonlyMap<string, FlyteField>): boolean =>
  [...fields.keys()].some(isKnownField);

/** The fields of the sections that stand in an object itself. */
function sectionFields(content: unknown): Map<string, FlyteField> {
  const fields = new Map<string, FlyteField>();
  if (!isObject(content)) return fields;
  for (const [name, value] of Object.entries(content) as [string, JsonObject][]) {
    if (!isSectionName(name) || !isObject(value)) continue;
    const section = new Map<string, FlyteField>();
    collectFields(section, [name], value);
    // The chart's own section of the same name says nothing about the webhook.
    if (isWebhookSection(section)) for (const [path, field] of section) fields.set(path, field);
  }
  return fields;
}
