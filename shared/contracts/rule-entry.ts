import { z } from 'zod';
import { sealedValueSchema } from './sealed-value.ts';

/**
 * Message: what exists in a manager, bucket latchkey_rules, key `<manager>.entry.<namespace|_>.<secret>`.
 * Producer: the manager's resolver. Consumer: every gateway.
 * `items` maps a lookup key (the recipe's `lookup` templates say how a request becomes one) to the variables that
 * the recipe's templates read as `${entry.<name>}`. An item without variables is `{}`.
 */
export const ruleEntrySchema = z.object({
  schema: z.literal(1),
  items: z.record(z.string(), z.record(z.string(), z.string())),
  /** By lookup key, what the gateway opens and the templates then read as `${entry.value}`. */
  sealed: z.record(z.string(), sealedValueSchema).optional(),
});

export type RuleEntry = z.infer<typeof ruleEntrySchema>;

/**
 * Message: a namespace that the manager knows completely, key `<manager>.namespace.<namespace>`.
 * A recipe of scope `namespace` answers `unknown` for a namespace without one.
 */
export const ruleNamespaceSchema = z.object({ schema: z.literal(1), namespace: z.string() });

export type RuleNamespace = z.infer<typeof ruleNamespaceSchema>;
