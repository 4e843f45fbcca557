import { z } from 'zod';

/**
 * Message: what is known of a namespace, bucket latchkey_inventory, key `<source>.namespace.<namespace>`.
 * Producer: discovery. Consumer: the resolver of that source, which passes it on under its own prefix of the rules.
 * A namespace without a marker is unknown, not empty.
 */
export const inventoryNamespaceSchema = z.object({
  schema: z.literal(1).describe('Version of the message.'),
  namespace: z.string().describe('Name of the namespace.'),
  watched: z
    .boolean()
    .optional()
    .describe('Source `k8s`: the Secrets of this namespace are listed and watched.'),
  partial: z
    .boolean()
    .optional()
    .describe('Source `k8s`: some of its Secrets are left out (`limits.namespaceKiB`).'),
  globalsReady: z
    .boolean()
    .optional()
    .describe('Source `global`: every copy has been written to this namespace at least once.'),
});

export type InventoryNamespace = z.infer<typeof inventoryNamespaceSchema>;
