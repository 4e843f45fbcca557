import { z } from 'zod';
import { sealedValueSchema } from './sealed-value.ts';

/**
 * Message: one fact about a secret that exists, bucket latchkey_inventory, key `<source>.entry.<namespace|_>.<secret>`.
 * Producer: discovery. Consumer: the resolver of that source. Holds names only, never a
 * value that can be read.
 */
export const inventoryEntrySchema = z.object({
  schema: z.literal(1),
  source: z.string(),
  /** Absent for a secret that holds in every namespace (global secrets). */
  namespace: z.string().min(1).optional(),
  /** Kubernetes Secret name, or for a global secret its lookup name (`env:TEAM_TOKEN`, `file:team/token`). */
  secret: z.string().min(1),
  /** Keys in the Secret; for a global secret none. */
  keys: z.array(z.string()),
  /** The Secret has more keys than are offered (`limits.keysPerSecret`): `keys` is empty. Missing = false. */
  leftOut: z.boolean().optional(),
  /** resourceVersion, or the file's change time; never a hash of a value. */
  version: z.string(),
  /** Where reference delivery keeps a global secret: the copy's Secret name and data key, the same in each namespace. */
  copy: z.object({ secretName: z.string(), secretKey: z.string() }).optional(),
  /** Inline delivery: the value of a global secret, for gateways alone to open. */
  sealed: sealedValueSchema.optional(),
});

export type InventoryEntry = z.infer<typeof inventoryEntrySchema>;
