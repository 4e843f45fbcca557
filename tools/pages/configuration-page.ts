import { z } from 'zod';
import { configSchema, type JsonSchema } from '#cli/config-schema.ts';
import { processEnvironmentSchema } from '#shared/runtime/process-config.ts';
import { markdownTable } from './markdown-table.ts';
import { schemaFields } from './schema-fields.ts';
import { typeText } from './type-text.ts';

const begin = (name: string): string => `<!-- ${name}: written by npm run pages -->`;
const end = (name: string): string => `<!-- ${name} ends -->`;

/** Replaces what stands between the two markers of a part. Throws when the page lacks one. */
function replacePart(page: string, name: string, text: string): string {
  const [start, stop] = [page.indexOf(begin(name)), page.indexOf(end(name))];
  if (start < 0 || stop < start) throw new Error(`the page has no part ${name}`);
  return `${page.slice(0, start)}${begin(name)}\n\n${text}\n\n${page.slice(stop)}`;
}

/** Writes a default as YAML has it in one line. */
function defaultText(value: unknown): string {
  if (value === undefined) return '';
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

/** A page of documentation that a description names becomes a link. */
const linked = (text: string): string => text.replaceAll(/docs\/([a-z-]+\.md)/g, '[$1]($1)');

const isSection = ({ properties }: JsonSchema): boolean => properties !== undefined;

/** Writes one table for each section of latchkey.yaml, with every field in it. */
function fieldTables(): string {
  const fields = schemaFields(configSchema());
  const sections = new Map<string, string[][]>();
  for (const { path, schema, required } of fields) {
    if (isSection(schema) && schema.default !== undefined) continue;
    const [section = ''] = path.split('.');
    const rows = sections.get(section) ?? [];
    const standard = required ? 'required' : defaultText(schema.default);
    sections.set(section, [
      ...rows,
      [`\`${path}\``, typeText(schema), standard, linked(schema.description ?? '')],
    ]);
  }
  return [...sections]
    .map(([section, rows]) => {
      const { schema } = fields.find(({ path }) => path === section) ?? {};
      const intro =
        schema !== undefined && isSection(schema) ? `${linked(schema.description ?? '')}\n\n` : '';
      return `### \`${section}\`\n\n${intro}${markdownTable(['field', 'type', 'default', 'meaning'], rows)}`;
    })
    .join('\n\n');
}

function variableTable(): string {
  const schema: JsonSchema = z.toJSONSchema(processEnvironmentSchema, { io: 'output' });
  const rows = schemaFields(schema).map(({ path, schema: variable }) => [
    `\`${path}\``,
    typeText(variable),
    defaultText(variable.default),
    variable.description ?? '',
  ]);
  return markdownTable(['variable', 'type', 'default', 'meaning'], rows);
}

/** Returns docs/configuration.md with its tables as the schemas have them. */
export const configurationPage = (page: string): string =>
  replacePart(replacePart(page, 'fields', fieldTables()), 'variables', variableTable());
