import { z } from 'zod';
import { type SealedValue, sealedValueSchema } from '#shared/contracts/bus/sealed-value.ts';
import { mostKeysPerSecret } from '#shared/contracts/config/latchkey-config.ts';
import { withNodeLimit } from '#shared/contracts/shapes/check-shape.ts';

/**
 * Most items of one rule, which is read and put in force in one step: 20,000 take some tens of milliseconds, whatever else
 * they say. A secret with more is left out.
 */
export const mostItemsOfEntry = mostKeysPerSecret;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Most variables of one item; those of the shipped managers have two. Templates pay for the longest at every pod. */
const mostVariables = 64;

/** Looks at every item once and copies none: an entry may have many thousands. */
function areItems(value: unknown): value is Record<string, Record<string, string>> {
  if (!isRecord(value)) return false;
  for (const lookupKey of Object.keys(value)) {
    const variables = value[lookupKey];
    if (!isRecord(variables)) return false;
    if (Object.keys(variables).length > mostVariables) return false;
    for (const name in variables) if (typeof variables[name] !== 'string') return false;
  }
  return true;
}

/** Looks at every value once, to the first that is none. */
function areSealed(value: unknown): value is Record<string, SealedValue> {
  if (!isRecord(value)) return false;
  for (const lookupKey of Object.keys(value)) {
    if (!sealedValueSchema.safeParse(value[lookupKey]).success) return false;
  }
  return true;
}

/**
 * Message: what exists in a manager, bucket latchkey_rules, key `<manager>.entry.<namespace|_>.<secret>`.
 * Producer: the manager's resolver. Consumer: every gateway.
 * `items` maps a lookup key (the recipe's `lookup` templates say how a request becomes one) to the variables that
 * the recipe's templates read as `entry.<name>`. An item without variables is `{}`.
 */
// Its maps may have many members, and are looked at once and to the first that is wrong.
export const ruleEntrySchema = withNodeLimit(
  Number.POSITIVE_INFINITY,
  z.object({
    schema: z.literal(1).describe('Version of the message.'),
    items: z
      .custom<Record<string, Record<string, string>>>(areItems)
      .meta({ title: 'map from lookup key to map from string to string' })
      .describe('Lookup keys that exist, each with the variables that templates read as `entry.<name>`.'),
    sealed: z
      .custom<Record<string, SealedValue>>(areSealed)
      .meta({ title: 'map from lookup key to sealed value' })
      .optional()
      .describe('Sealed values by lookup key, which gateways open and templates read as `entry.value`.'),
    leftOut: z
      .string()
      .endsWith('/')
      .meta({ title: 'string that ends with a slash' })
      .optional()
      .describe('Lookup keys that begin with this are too many and left out: `unknown`, not absent.'),
  }),
);

export type RuleEntry = z.infer<typeof ruleEntrySchema>;

/**
 * Message: a namespace that the manager knows completely, key `<manager>.namespace.<namespace>`.
 * A recipe of scope `namespace` answers `unknown` for a namespace without one.
 */
export const ruleNamespaceSchema = z.object({
  schema: z.literal(1).describe('Version of the message.'),
  namespace: z.string().describe('Name of the namespace.'),
  partial: z
    .boolean()
    .optional()
    .describe('Some of its entries are left out: what is not found is `unknown`, not absent.'),
});

export type RuleNamespace = z.infer<typeof ruleNamespaceSchema>;
