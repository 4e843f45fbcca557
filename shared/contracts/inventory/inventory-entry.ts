import { z } from 'zod';
import { sealedValueSchema } from '#shared/contracts/bus/sealed-value.ts';
import { withNodeLimit } from '#shared/contracts/shapes/check-shape.ts';

/** Looks at every key once, to the first that is none. */
const areKeys = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((key) => typeof key === 'string');

/**
 * Message: one fact about a secret that exists, bucket latchkey_inventory, key `<source>.entry.<namespace|_>.<secret>`.
 * Producer: discovery. Consumer: the resolver of that source. Holds names only, never a
 * value that can be read.
 */
// A Secret may have many keys, and of what is not looked at every member costs nothing.
export const inventoryEntrySchema = withNodeLimit(
  Number.POSITIVE_INFINITY,
  z.object({
    schema: z.literal(1).describe('Version of the message.'),
    source: z.string().describe('Source of the fact: `k8s` or `global`.'),
    namespace: z
      .string()
      .min(1)
      .optional()
      .describe('Namespace of the Secret; absent for a global secret, which holds in every namespace.'),
    secret: z
      .string()
      .min(1)
      .describe(
        'Name of the Secret, or lookup name of a global secret (`env:TEAM_TOKEN`, `file:team/token`).',
      ),
    keys: z
      .custom<string[]>(areKeys)
      .meta({ title: 'list of strings' })
      .describe('Keys of the Secret; none for a global secret.'),
    leftOut: z
      .boolean()
      .optional()
      .describe('True for a Secret with more keys than `limits.keysPerSecret`: `keys` is then empty.'),
    version: z
      .string()
      .describe(
        "resourceVersion of the Secret, or change time of a global secret's file; never a hash of a value.",
      ),
    copy: z
      .object({
        secretName: z
          .string()
          .describe('Name of the Secret that holds the copy, the same in each namespace.'),
        secretKey: z.string().describe('Key of the copy in that Secret.'),
      })
      .optional()
      .describe('Reference delivery: where each selected namespace holds the copy of a global secret.'),
    sealed: sealedValueSchema
      .optional()
      .describe('Inline delivery: the value of a global secret, which gateways alone can open.'),
  }),
);

export type InventoryEntry = z.infer<typeof inventoryEntrySchema>;
