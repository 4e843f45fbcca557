import { z } from 'zod';

/**
 * Part of the messages inventory-entry.ts and rule-entry.ts: a value that NATS and the resolvers pass on without being
 * able to read it (inline delivery). Producer: discovery. Opened by: gateways. shared/core/sealed-value.ts says how.
 */
export const sealedValueSchema = z.object({
  /** Id of the key in the key ring that discovery and the gateways mount. */
  kid: z.string().min(1),
  /** 12 bytes, new for every sealing. */
  nonce: z.base64(),
  /** AES-256-GCM of the value, with the 16 bytes of its tag behind. */
  ct: z.base64(),
  /** Epoch of the discovery that sealed it; a later one that finds the value unchanged leaves the record as it is. */
  epoch: z.int().positive(),
});

export type SealedValue = z.infer<typeof sealedValueSchema>;
