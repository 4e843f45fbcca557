import { DefaultAzureCredential } from '@azure/identity';
import { SecretClient, type SecretClientOptions } from '@azure/keyvault-secrets';
import type { AzureProviderConfig } from '#shared/contracts/config/provider-config.ts';
import { type Provider, requestTimeoutMs } from './provider.ts';

/** How a vault is spoken to; a test has a token of its own and a host that is not Azure's. */
export interface AzureAccess {
  credential: ConstructorParameters<typeof SecretClient>[1];
  options?: SecretClientOptions;
}

/** Azure Key Vault, by listing the properties of secrets: the URI of each that is enabled, without a version. */
export function createAzureProvider(
  { vaultUrls }: AzureProviderConfig,
  { credential, options }: AzureAccess = { credential: new DefaultAzureCredential() },
): Provider {
  const clients = vaultUrls.map((url) => ({
    secrets: new URL('/secrets', url).href,
    client: new SecretClient(url, credential, { ...options, retryOptions: { maxRetries: 0 } }),
  }));
  return {
    async *listSecrets(abortSignal) {
      const requestOptions = { timeout: requestTimeoutMs };
      for (const { secrets, client } of clients) {
        for await (const { name, enabled } of client.listPropertiesOfSecrets({
          abortSignal,
          requestOptions,
        })) {
          if (enabled !== false) yield { secret: `${secrets}/${name}`, keys: [] };
        }
      }
    },
  };
}
