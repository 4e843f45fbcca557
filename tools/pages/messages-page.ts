import { z } from 'zod';
import type { JsonSchema } from '#cli/config/config-schema.ts';
import { heartbeatSchema } from '#shared/contracts/bus/heartbeat.ts';
import { manifestSchema } from '#shared/contracts/bus/manifest.ts';
import { sealedValueSchema } from '#shared/contracts/bus/sealed-value.ts';
import { inventoryEntrySchema } from '#shared/contracts/inventory/inventory-entry.ts';
import { inventoryNamespaceSchema } from '#shared/contracts/inventory/inventory-namespace.ts';
import {
  caRotationStateSchema,
  leafRotationStateSchema,
} from '#shared/contracts/kubernetes/rotation-state.ts';
import {
  shardHeaderSchema,
  snapshotRecordSchema,
  snapshotSummarySchema,
} from '#shared/contracts/kubernetes/rules-snapshot.ts';
import { ruleEntrySchema, ruleNamespaceSchema } from '#shared/contracts/rules/rule-entry.ts';
import { recipeSchema } from '#shared/contracts/rules/rule-recipe.ts';
import { markdownTable } from './markdown-table.ts';
import { linkPages, replacePagePart } from './page-part.ts';
import { schemaFields } from './schema-fields.ts';
import { typeText } from './type-text.ts';

/** What each part of the page shows. */
export const messageSchemas: Readonly<Record<string, z.ZodType>> = {
  manifest: manifestSchema,
  'inventory entry': inventoryEntrySchema,
  'inventory namespace': inventoryNamespaceSchema,
  recipe: recipeSchema,
  'rule entry': ruleEntrySchema,
  'rule namespace': ruleNamespaceSchema,
  'sealed value': sealedValueSchema,
  heartbeat: heartbeatSchema,
  'snapshot shard': shardHeaderSchema,
  'snapshot record': snapshotRecordSchema,
  'snapshot summary': snapshotSummarySchema,
  'CA state': caRotationStateSchema,
  'serving state': leafRotationStateSchema,
};

/** Fields that another part, or the page that their meaning links to, takes apart. */
const closed = /^(sealed\.|policy\.|edits\.(env|file)\[\]\.|everyKey\[\])/;

function messageTable(schema: z.ZodType): string {
  const json: JsonSchema = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const rows = schemaFields(json)
    .filter(({ path }) => !closed.test(path))
    .map(({ path, schema: field, required }) => [
      `\`${path}\``,
      typeText(field),
      required ? 'yes' : '',
      linkPages(field.description ?? ''),
    ]);
  return markdownTable(['field', 'type', 'required', 'meaning'], rows);
}

/** Returns docs/messages.md with its tables as the contracts have them. */
export const messagesPage = (page: string): string =>
  Object.entries(messageSchemas).reduce(
    (text, [name, schema]) => replacePagePart(text, name, messageTable(schema)),
    page,
  );
