import { z } from 'zod';

/**
 * Where a resolver with `inventory: closed` asks what exists, section `provider` of its manager in latchkey.yaml.
 * Credentials never stand in it: they come from the environment or from mounted files, as the provider's SDK has it.
 */
const refreshSeconds = z.number().min(1).default(60);
const httpUrl = z.url({ protocol: /^https?$/ });
const filePath = z.string().startsWith('/');
const mountPath = z
  .string()
  .regex(/^[^/\s]+(\/[^/\s]+)*$/, 'is not the path of a mount, without a slash at its ends');

const awsSchema = z.strictObject({
  refreshSeconds,
  /** Without it AWS_REGION or the profile says. */
  region: z.string().min(1).optional(),
  /** For a private endpoint. */
  endpoint: httpUrl.optional(),
});

const gcpSchema = z.strictObject({
  refreshSeconds,
  /** Ids of the projects whose secrets are listed. */
  projects: z.array(z.string().min(1)).default([]),
  /** For a regional endpoint. */
  endpoint: httpUrl.optional(),
});

const azureSchema = z.strictObject({
  refreshSeconds,
  /** URLs of the vaults whose secrets are listed. */
  vaultUrls: z.array(z.url({ protocol: /^https$/ })).default([]),
});

const vaultSchema = z.strictObject({
  refreshSeconds,
  address: httpUrl.optional(),
  /** Of Vault Enterprise or OpenBao. */
  namespace: z.string().min(1).optional(),
  /** Engines whose names are listed. */
  mounts: z
    .array(z.strictObject({ path: mountPath, engine: z.enum(['kv1', 'kv2', 'db']) }))
    .default([{ path: 'secret', engine: 'kv2' }]),
  /** A token in a file, read before each listing, or a login with the ServiceAccount's. */
  auth: z
    .union([
      z.strictObject({ tokenFile: filePath }),
      z.strictObject({
        kubernetes: z.strictObject({
          role: z.string().min(1),
          mount: mountPath.default('kubernetes'),
          tokenFile: filePath,
        }),
      }),
    ])
    .default({ tokenFile: '/etc/latchkey/provider/token' }),
});

export const providerSchemas = {
  aws: awsSchema.prefault({}),
  gcp: gcpSchema.prefault({}),
  azure: azureSchema.prefault({}),
  vault: vaultSchema.prefault({}),
};

export type AwsProviderConfig = z.infer<typeof awsSchema>;
export type GcpProviderConfig = z.infer<typeof gcpSchema>;
export type AzureProviderConfig = z.infer<typeof azureSchema>;
export type VaultProviderConfig = z.infer<typeof vaultSchema>;
