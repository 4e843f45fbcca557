import { z } from 'zod';

/**
 * Message: the manifest of one owner's prefix, in either bucket, key `<owner>.manifest`.
 * Producer: discovery (inventory), a resolver (rules). Consumers: resolvers, gateways, the publisher itself.
 * It is written last, after a complete list: a consumer swaps its staged records in only when `count` and `digest` match.
 */
export const manifestSchema = z.object({
  schema: z.literal(1),
  /** Fencing number of the publisher; a new publisher takes the next one by compare-and-set. */
  epoch: z.int().positive(),
  /** Counts the manifests of one epoch. */
  seq: z.int().nonnegative(),
  /** Records of the prefix besides the manifest itself. */
  count: z.int().nonnegative(),
  /** Order-independent sum of the records' hashes, as fixed-width hex. */
  digest: z.string(),
  /** SHA-256 of the recipe's bytes, hex; empty where the prefix has no recipe (inventory). */
  recipeDigest: z.string(),
  /** False while a new publisher has claimed the epoch but has not yet listed everything: nothing may be swapped in. */
  complete: z.boolean(),
});

export type Manifest = z.infer<typeof manifestSchema>;
