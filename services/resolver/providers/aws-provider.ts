import { paginateListSecrets, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { AwsProviderConfig } from '#shared/contracts/config/provider-config.ts';
import { type Provider, requestTimeoutMs } from './provider.ts';

const pageSize = 100;

/** AWS Secrets Manager, by ListSecrets: the ARN of each secret that is not scheduled for deletion. */
export function createAwsProvider({ region, endpoint }: AwsProviderConfig): Provider {
  const client = new SecretsManagerClient({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: requestTimeoutMs,
      requestTimeout: requestTimeoutMs,
      // Without it the SDK writes a warning and waits on.
      throwOnRequestTimeout: true,
    },
  });
  return {
    async *listSecrets(abortSignal) {
      for await (const { SecretList = [] } of paginateListSecrets(
        { client, pageSize },
        {},
        { abortSignal },
      )) {
        for (const { ARN } of SecretList) if (ARN !== undefined) yield { secret: ARN, keys: [] };
      }
    },
  };
}
