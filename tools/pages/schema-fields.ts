import type { JsonSchema } from '#cli/config/config-schema.ts';

/** One field of a schema, by its path: `tls.rotation.overlapHours`, of a list's items `policy.rules[].name`. */
export interface SchemaField {
  path: string;
  schema: JsonSchema;
  required: boolean;
}

export const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Lists every field of a schema, an object before the fields in it; of alternatives the fields of each. */
export function schemaFields(schema: JsonSchema, prefix = ''): SchemaField[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    if (!isSchema(property)) return [];
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const required = schema.required?.includes(name) ?? false;
    return [{ path, schema: property, required }, ...schemaFields(property, path)];
  });
  const items = isSchema(schema.items) ? schemaFields(schema.items, `${prefix}[]`) : [];
  const fields = [
    ...own,
    ...items,
    ...(schema.anyOf ?? []).flatMap((option) => alternativeFields(option, prefix)),
  ];
  const paths = new Set<string>();
  return fields.filter(({ path }) => !paths.has(path) && paths.add(path));
}

/** Lists the fields of one alternative: no field is required that another alternative lacks. */
function alternativeFields(option: unknown, prefix: string): SchemaField[] {
  if (!isSchema(option)) return [];
  const own = Object.keys(option.properties ?? {}).map((name) =>
    prefix === '' ? name : `${prefix}.${name}`,
  );
  return schemaFields(option, prefix).map((field) =>
    own.includes(field.path) ? { ...field, required: false } : field,
  );
}
