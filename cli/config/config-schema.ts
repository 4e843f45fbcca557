import { z } from 'zod';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';

/** Part of a JSON Schema, as far as that of latchkey.yaml has it. */
export type JsonSchema = Readonly<z.core.JSONSchema.BaseSchema>;

/**
 * Describes latchkey.yaml as JSON Schema (draft 2020-12), for editors. It knows less than the services: a rule between
 * two fields is checked by them alone.
 */
export function configSchema(): JsonSchema {
  return z.toJSONSchema(latchkeyConfigSchema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      // zod's own name for a pattern, which no other validator knows.
      if (jsonSchema.format === 'starts_with') delete jsonSchema.format;
    },
  });
}
