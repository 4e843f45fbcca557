import { z } from 'zod';
import { configSchema, type JsonSchema } from '#cli/config/config-schema.ts';
import { processEnvironmentSchema } from '#shared/config/process-config.ts';
import { markdownTable } from './markdown-table.ts';
import { linkPages, replacePagePart } from './page-part.ts';
import { schemaFields } from './schema-fields.ts';
import { typeText } from './type-text.ts';

/** Writes a default as YAML has it in one line. */
function defaultText(value: unknown): string {
  if (value === undefined) return '';
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

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
      [`\`${path}\``, typeText(schema), standard, linkPages(schema.description ?? '')],
    ]);
  }
  return [...sections]
    .map(([section, rows]) => {
      const { schema } = fields.find(({ path }) => path === section) ?? {};
      const intro =
        schema !== undefined && isSection(schema) ? `${linkPages(schema.description ?? '')}\n\n` : '';
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
  replacePagePart(replacePagePart(page, 'fields', fieldTables()), 'variables', variableTable());
