import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { AwsProviderConfig } from '#shared/contracts/config/provider-config.ts';
import { type Provider, requestTimeoutMs } from './provider.ts';
import { providerPages } from './provider-pages.ts';
import { readForSdk } from './read-answer.ts';

const pageSize = 100;

/** AWS Secrets Manager, by ListSecrets: the ARN of each secret that is not scheduled for deletion. */
export function createAwsProvider(
  { region, endpoint }: AwsProviderConfig,
  mostAnswerBytes: number,
): Provider {
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
    async *listSecrets({ signal: abortSignal, enter }) {
      enter(place);
      const pages = providerPages({ place: 'AWS Secrets Manager', size: pageSize }, async (token, size) => {
        const command = new ListSecretsCommand({ MaxResults: size, NextToken: token });
        command.middlewareStack.add(
          (next) => async (args) => {
            const result = await next(args);
            await readBody(result.response, mostAnswerBytes);
            return result;
          },
          { step: 'deserialize', priority: 'low' },
        );
        const { SecretList = [], NextToken } = await client.send(command, { abortSignal });
        return { items: SecretList, next: NextToken };
      });
      for await (const page of pages) {
        for (const { ARN } of page) if (ARN !== undefined) yield { secret: ARN, keys: [] };
      }
    },
  };
}

/** How the name of each secret begins. */
const place = 'arn:';

/** What the SDK has of an answer: a stream, or bytes that were read. */
interface OpenResponse {
  statusCode: number;
  headers: Record<string, string>;
  body: unknown;
}

/** Reads the body of an answer before the SDK does, which bounds none and quotes what it cannot parse. */
async function readBody(response: unknown, mostBytes: number): Promise<void> {
  if (!isOpen(response) || !isStream(response.body)) return;
  const { statusCode, headers, body } = response;
  const title = `AWS answered ${statusCode} for ListSecrets`;
  response.body = await readForSdk({ title, contentType: headers['content-type'], body }, mostBytes);
}

const isOpen = (response: unknown): response is OpenResponse =>
  typeof response === 'object' && response !== null && 'statusCode' in response && 'body' in response;

const isStream = (body: unknown): body is AsyncIterable<Uint8Array> =>
  typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
