import { z } from 'zod';
import { absolutePath, httpsUrl, httpUrl } from '#shared/contracts/shapes/config-values.ts';

/**
 * Where a resolver with `inventory: closed` asks what exists, section `provider` of its manager in latchkey.yaml.
 * Credentials never stand in it: they come from the environment or from mounted files, as the provider's SDK has it.
 */
const refreshSeconds = z.number().min(1).default(60).describe('Time between two listings.');
/** Of projects, vaults or mounts that one resolver lists. */
const mostPlaces = 1_000;
const mountPath = z
  .string()
  .regex(/^[^/\s]+(\/[^/\s]+)*$/, 'is not the path of a mount, without a slash at its ends')
  .meta({ title: 'mount path' });

/** An address without a login: errors of requests quote it. */
const addressOf = (url: typeof httpUrl) =>
  url.refine(hasNoLogin, 'holds a login, and credentials never stand here').meta(url.meta() ?? {});

const hasNoLogin = (text: string): boolean => {
  const url = URL.parse(text);
  return url === null || url.username + url.password === '';
};

const awsSchema = z.strictObject({
  refreshSeconds,
  region: z.string().min(1).optional().describe('AWS region; without it `AWS_REGION` or the profile says.'),
  endpoint: addressOf(httpUrl).optional().describe('Private endpoint of the API.'),
});

const gcpSchema = z.strictObject({
  refreshSeconds,
  projects: z
    .array(z.string().min(1))
    .max(mostPlaces)
    .default([])
    .describe('Ids of the projects whose secrets are listed; `inventory: closed` needs one.'),
  endpoint: addressOf(httpUrl).optional().describe('Regional endpoint of the API.'),
});

const azureSchema = z.strictObject({
  refreshSeconds,
  vaultUrls: z
    .array(addressOf(httpsUrl))
    .max(mostPlaces)
    .default([])
    .describe('URLs of the vaults whose secrets are listed; `inventory: closed` needs one.'),
});

const tokenFile = absolutePath.describe('File that holds a Vault token, read before each listing.');
const kubernetesLogin = z.strictObject({
  role: z.string().min(1).describe('Vault role to log in with.'),
  mount: mountPath.default('kubernetes').describe('Mount of the Kubernetes auth method.'),
  tokenFile: absolutePath.describe('File that holds the token of the ServiceAccount.'),
});

const vaultSchema = z.strictObject({
  refreshSeconds,
  address: addressOf(httpUrl).optional().describe('Address of Vault; `inventory: closed` needs it.'),
  namespace: z.string().min(1).optional().describe('Namespace of Vault Enterprise or OpenBao.'),
  mounts: z
    .array(
      z.strictObject({
        path: mountPath.describe('Path of the mount.'),
        engine: z.enum(['kv1', 'kv2', 'db']).describe('Secrets engine of the mount.'),
      }),
    )
    .max(mostPlaces)
    .default([{ path: 'secret', engine: 'kv2' }])
    .describe('Mounts whose names are listed; `inventory: closed` needs one.'),
  auth: z
    .union([
      z.strictObject({ tokenFile }),
      z.strictObject({
        kubernetes: kubernetesLogin.describe("Login with the ServiceAccount's token."),
      }),
    ])
    .default({ tokenFile: '/etc/latchkey/provider/token' })
    .describe('Login to Vault: either `tokenFile` or `kubernetes`.'),
});

const provider =
  'With `inventory: closed`: where names are listed and how often (docs/closed-inventories.md).';
export const providerSchemas = {
  aws: awsSchema.prefault({}).describe(provider),
  gcp: gcpSchema.prefault({}).describe(provider),
  azure: azureSchema.prefault({}).describe(provider),
  vault: vaultSchema.prefault({}).describe(provider),
};

export type AwsProviderConfig = z.infer<typeof awsSchema>;
export type GcpProviderConfig = z.infer<typeof gcpSchema>;
export type AzureProviderConfig = z.infer<typeof azureSchema>;
export type VaultProviderConfig = z.infer<typeof vaultSchema>;
