import { Readable } from 'node:stream';
import type { SecretManagerServiceClient } from '@google-cloud/secret-manager';
import { parseAnswer, readForSdk } from './read-answer.ts';

type ClientOptions = NonNullable<ConstructorParameters<typeof SecretManagerServiceClient>[0]>;
type AuthOptions = Extract<ClientOptions['clientOptions'], { transporterOptions?: unknown }>;
type Transport = NonNullable<AuthOptions['transporterOptions']>;

/** Reads the body of an answer before the SDK does, which bounds none and quotes what it cannot parse. */
export const gcpTransport = (mostBytes: number): Transport => ({
  // Of what is no stream: the answers to logins.
  maxContentLength: mostBytes,
  adapter: async <T>(options: SentOptions, send: (options: SentOptions) => Promise<SentResponse<T>>) => {
    const response = await send(options);
    const { status, statusText, headers, body, config } = response;
    if (options.responseType === 'json') checkParsed(response);
    if (options.responseType !== 'stream' || body === null) return response;
    const title = `GCP answered ${status} for ${new URL(options.url).pathname}`;
    const bytes = await readForSdk({ title, contentType: headers.get('content-type'), body }, mostBytes);
    const read = new Response(bytes.length === 0 ? null : bytes, { status, statusText, headers });
    // Of a refused login the SDK reads this, and else the response.
    const data: unknown = Readable.from([bytes]);
    return Object.assign(read, { config, data: data as T });
  },
});

type Adapter = NonNullable<Transport['adapter']>;
type SentOptions = Parameters<Adapter>[0];
type SentResponse<T> = Response & { config: SentOptions; data: T };

/** Refuses the answer to a login that could not be parsed, whose text the SDK would make its error. */
function checkParsed({ data, status, headers }: SentResponse<unknown>): void {
  if (typeof data !== 'string' || data === '') return;
  const contentType = headers.get('content-type');
  parseAnswer({ title: `GCP answered ${status} to a login`, contentType, bytes: Buffer.from(data) });
}
