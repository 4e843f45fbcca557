import { z } from 'zod';
import { maxVersionNumber } from './bucket.ts';

/**
 * Part of the messages inventory-entry.ts and rule-entry.ts: a value that NATS and the resolvers pass on without being
 * able to read it (inline delivery). Producer: discovery. Opened by: gateways. shared/core/rules/index/sealed-value.ts says how.
 */
export const sealedValueSchema = z.object({
  kid: z.string().min(1).describe('Id of the key in the key ring that discovery and the gateways mount.'),
  nonce: z.base64().describe('12 bytes, new for every sealing.'),
  ct: z.base64().describe('AES-256-GCM of the value, followed by the 16 bytes of its tag.'),
  epoch: z
    .int()
    .positive()
    .max(maxVersionNumber)
    .describe('Epoch of the discovery that sealed it; a later one keeps the record of an unchanged value.'),
});

export type SealedValue = z.infer<typeof sealedValueSchema>;
