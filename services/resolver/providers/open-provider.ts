import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { providerSchemas } from '#shared/contracts/config/provider-config.ts';
import type { Provider } from './provider.ts';

/** The SDK of a provider is loaded by the resolver that needs it, and by nobody else (test/loaded-modules.integration.test.ts). */
const providers = {
  aws: async ({ aws, limits }: LatchkeyConfig) =>
    (await import('./aws-provider.ts')).createAwsProvider(aws.provider, mostAnswerBytes(limits)),
  gcp: async ({ gcp, limits }: LatchkeyConfig) =>
    (await import('./gcp-provider.ts')).createGcpProvider(gcp.provider, mostAnswerBytes(limits)),
  azure: async ({ azure, limits }: LatchkeyConfig) =>
    (await import('./azure-provider.ts')).createAzureProvider(azure.provider, mostAnswerBytes(limits)),
  vault: async ({ vault, limits }: LatchkeyConfig) =>
    (await import('./vault-provider.ts')).createVaultProvider(vault.provider, mostAnswerBytes(limits)),
} satisfies Record<keyof typeof providerSchemas, (config: LatchkeyConfig) => Promise<Provider>>;

/** Of a list's bytes, one answer's: parsed, it takes several times as many. */
const answersPerList = 8;
/** What a page of an SDK may need, whatever tenants write into tags. */
const leastAnswerBytes = 4 * 1_024 * 1_024;

/** Bounds one answer: a list within `limits.managerMiB` is charged many times the bytes in which its names arrive. */
const mostAnswerBytes = ({ managerMiB }: LatchkeyConfig['limits']): number =>
  Math.max(leastAnswerBytes, (managerMiB * 1_024 * 1_024) / answersPerList);

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
