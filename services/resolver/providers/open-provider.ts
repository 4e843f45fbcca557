import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { providerSchemas } from '#shared/contracts/config/provider-config.ts';
import type { Provider } from './provider.ts';

/** The SDK of a provider is loaded by the resolver that needs it, and by nobody else (test/loaded-modules.integration.test.ts). */
const providers = {
  aws: async ({ aws }: LatchkeyConfig) => (await import('./aws-provider.ts')).createAwsProvider(aws.provider),
  gcp: async ({ gcp }: LatchkeyConfig) => (await import('./gcp-provider.ts')).createGcpProvider(gcp.provider),
  azure: async ({ azure }: LatchkeyConfig) =>
    (await import('./azure-provider.ts')).createAzureProvider(azure.provider),
  vault: async ({ vault }: LatchkeyConfig) =>
    (await import('./vault-provider.ts')).createVaultProvider(vault.provider),
} satisfies Record<keyof typeof providerSchemas, (config: LatchkeyConfig) => Promise<Provider>>;

const isProvider = (name: string): name is keyof typeof providers => Object.hasOwn(providers, name);

/** A provider and how often it is to be asked, ms. */
export interface PolledProvider {
  provider: Provider;
  refreshMs: number;
}

/** The provider of a manager with a closed inventory; undefined for a manager that has none to ask. */
export async function openProvider(
  manager: string,
  config: LatchkeyConfig,
): Promise<PolledProvider | undefined> {
  if (!isProvider(manager) || config[manager].inventory === 'open') return undefined;
  const refreshMs = config[manager].provider.refreshSeconds * 1_000;
  return { provider: await providers[manager](config), refreshMs };
}
