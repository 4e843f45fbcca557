import { DefaultAzureCredential } from '@azure/identity';
import { SecretClient, type SecretClientOptions } from '@azure/keyvault-secrets';
import type { AzureProviderConfig } from '#shared/contracts/config/provider-config.ts';
import { type Provider, requestTimeoutMs } from './provider.ts';
import { createPageGuard } from './provider-pages.ts';
import { readForSdk } from './read-answer.ts';

/** How a vault is spoken to; a test has a token of its own and a host that is not Azure's. */
export interface AzureAccess {
  credential: ConstructorParameters<typeof SecretClient>[1];
  options?: SecretClientOptions;
}

type Policies = NonNullable<SecretClientOptions['additionalPolicies']>;
type Policy = Policies[number]['policy'];

/** Azure Key Vault, by listing the properties of secrets: the URI of each that is enabled, without a version. */
export function createAzureProvider(
  { vaultUrls }: AzureProviderConfig,
  mostAnswerBytes: number,
  access: AzureAccess = { credential: new DefaultAzureCredential() },
): Provider {
  const vaults = vaultUrls.map((url) => openVault(url, mostAnswerBytes, access));
  return {
    async *listSecrets({ signal: abortSignal, enter }) {
      const requestOptions = { timeout: requestTimeoutMs };
      for (const { place, client, begin } of vaults) {
        enter(place);
        begin();
        for await (const { name, enabled } of client.listPropertiesOfSecrets({
          abortSignal,
          requestOptions,
        })) {
          if (enabled !== false) yield { secret: `${place}${name}`, keys: [] };
        }
      }
    },
  };
}

function openVault(url: string, mostAnswerBytes: number, { credential, options }: AzureAccess) {
  const place = new URL('/secrets/', url).href;
  let notePage = createPageGuard(place);
  const followPages: Policy = {
    name: 'follow-pages',
    sendRequest: (request, next) => {
      notePage(request.url);
      return next(request);
    },
  };
  const client = new SecretClient(url, credential, {
    ...options,
    retryOptions: { maxRetries: 0 },
    additionalPolicies: [
      { policy: followPages, position: 'perCall' },
      { policy: boundAnswers(mostAnswerBytes), position: 'perRetry' },
      ...(options?.additionalPolicies ?? []),
    ],
  });
  const begin = (): void => {
    notePage = createPageGuard(place);
  };
  return { place, client, begin };
}

/** Reads the body of an answer before the SDK does, which bounds none and quotes what it cannot parse. */
const boundAnswers = (mostBytes: number): Policy => ({
  name: 'bound-answers',
  sendRequest: async (request, next) => {
    request.streamResponseStatusCodes = everyStatus;
    const { readableStreamBody: body, ...response } = await next(request);
    if (body === undefined) return response;
    const title = `Azure answered ${response.status} for the secrets of ${new URL(request.url).host}`;
    const contentType = response.headers.get('content-type');
    const bytes = await readForSdk({ title, contentType, body: chunksOf(body) }, mostBytes);
    return { ...response, bodyAsText: bytes.toString('utf8') };
  },
});

/** As the pipeline has it for every status. */
const everyStatus = new Set([Number.POSITIVE_INFINITY]);

async function* chunksOf(stream: NodeJS.ReadableStream): AsyncIterable<Uint8Array> {
  for await (const chunk of stream) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}
