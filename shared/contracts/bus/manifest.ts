import { z } from 'zod';
import { maxVersionNumber } from './bucket.ts';

const digestPattern = /^[0-9a-f]{64}$/;
const optionalDigestPattern = /^([0-9a-f]{64})?$/;

/**
 * Message: the manifest of one owner's prefix, in either bucket, key `<owner>.manifest`.
 * Producer: discovery (inventory), a resolver (rules). Consumers: resolvers, gateways, the publisher itself.
 * It is written last, after a complete list: a consumer applies its staged records only when `count` and `digest` match.
 */
export const manifestSchema = z.object({
  schema: z.literal(1).describe('Version of the message.'),
  epoch: z
    .int()
    .positive()
    .max(maxVersionNumber)
    .describe('Fencing number of the publisher; a new publisher takes the next one by compare-and-set.'),
  seq: z.int().nonnegative().max(maxVersionNumber).describe('Number of the manifest within its epoch.'),
  count: z.int().nonnegative().describe('Records of the prefix, without the manifest.'),
  digest: z
    .string()
    .regex(digestPattern)
    .meta({ title: '64 hex digits' })
    .describe(
      'Sum modulo 2^256 of the SHA-256 of each record (`shared/bus/records/digest.ts`), 64 hex digits.',
    ),
  recipeDigest: z
    .string()
    .regex(optionalDigestPattern)
    .meta({ title: '64 hex digits, or empty' })
    .describe("SHA-256 of the recipe's bytes, hex; empty in the inventory, which has no recipe."),
  complete: z
    .boolean()
    .describe('False before the first publisher has listed everything: consumers apply nothing.'),
});

export type Manifest = z.infer<typeof manifestSchema>;
