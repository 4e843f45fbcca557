import http from 'node:http';
import https from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import type { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { truncate } from '#shared/core/text/plain-text.ts';
import { readBoundedAnswer } from '#shared/runtime/bounded-answer.ts';
import { answerTooLarge, answerUnreadable, mostAnswerBytes } from './answer-too-large.ts';
import { type KubeConfigSource, loadKubeConfig } from './kube-config.ts';
import {
  type KubernetesCall,
  methodOf,
  parseRetryAfterMs,
  readStatus,
  refusedError,
} from './kubernetes-call.ts';

/** A connection to the API server. Every failure is the {@link refusedError} of the call. */
export interface Kubernetes {
  /**
   * Sends a call and returns the parsed answer; gives up after 30 s, or when the signal aborts. Of an answer above
   * {@link mostAnswerBytes} the rest is not read, and the error's reason is {@link answerTooLarge}.
   */
  json(call: KubernetesCall, signal?: AbortSignal): Promise<unknown>;
  /** Sends a call and returns the open answer (status 200); the signal ends it. The caller limits the time. */
  stream(call: KubernetesCall, signal: AbortSignal): Promise<http.IncomingMessage>;
  close(): void;
}

type KubernetesOptions = KubeConfigSource & { log: Logger };

const requestTimeoutMs = 30_000;
const idleTimeoutMs = 30_000;
/** A Status is short; what is longer is not the API server's. */
const mostRefusalBytes = 64 * 1_024;

/**
 * Connects with a kubeconfig file, else with the pod's service account. client-node reads the configuration and the
 * credentials (a service account's token file is read again every 60 s); after a 401 they are read anew at once.
 * The requests are ours: client-node 2.0.1 makes a new connection pool for every request (createDispatcher in its
 * config.js), and its watch swallows lines that it cannot parse.
 * Uses no right of its own.
 * @throws CONFIG_INVALID when no cluster is found there
 */
export const connectKubernetes = (options: KubernetesOptions): Kubernetes => new ApiServerConnection(options);

class ApiServerConnection implements Kubernetes {
  readonly #options: KubernetesOptions;
  #kubeConfig: KubeConfig;
  // Idle connections end before the API server ends them, so that no request meets a closing one.
  readonly #agents = {
    'http:': new http.Agent({ keepAlive: true, timeout: idleTimeoutMs }),
    'https:': new https.Agent({ keepAlive: true, timeout: idleTimeoutMs }),
  };

  constructor(options: KubernetesOptions) {
    this.#options = options;
    this.#kubeConfig = loadKubeConfig(options);
  }

  async json(call: KubernetesCall, signal?: AbortSignal): Promise<unknown> {
    const timeout = AbortSignal.timeout(requestTimeoutMs);
    const response = await this.stream(
      call,
      signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    );
    const body = await readBoundedAnswer(response, mostAnswerBytes).catch((err: unknown) => {
      throw refusedError(call, { statusCode: 0 }, err);
    });
    if (body === undefined) throw refusedError(call, { statusCode: 0, reason: answerTooLarge });
    try {
      return JSON.parse(body.toString('utf8'));
    } catch {
      // A parser's message quotes the text, and the text may be a Secret.
      const message = describeBody(response, body.length);
      throw refusedError(call, { statusCode: 0, reason: answerUnreadable, message });
    }
  }

  async stream(call: KubernetesCall, signal: AbortSignal): Promise<http.IncomingMessage> {
    let response = await this.#send(call, signal);
    if (response.statusCode === 401) {
      response.resume();
      this.#options.log.warn('the API server refused the credentials; reading them again');
      this.#kubeConfig = loadKubeConfig(this.#options);
      response = await this.#send(call, signal);
    }
    if (isSuccess(response)) return response;
    throw await refusalOf(call, response);
  }

  close(): void {
    this.#agents['http:'].destroy();
    this.#agents['https:'].destroy();
  }

  async #send(call: KubernetesCall, signal: AbortSignal): Promise<http.IncomingMessage> {
    try {
      const { url, options, body } = await this.#requestOf(call);
      return await answerTo(
        (url.protocol === 'http:' ? http : https).request(url, { ...options, signal }),
        body,
      );
    } catch (err) {
      throw refusedError(call, { statusCode: 0 }, err);
    }
  }

  async #requestOf(call: KubernetesCall) {
    const cluster = this.#kubeConfig.getCurrentCluster();
    const url = new URL(`${cluster?.server}${call.path}`);
    for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value);
    const credentials: https.RequestOptions = {};
    await this.#kubeConfig.applyToHTTPSOptions(credentials);
    const scheme = url.protocol === 'http:' ? 'http:' : 'https:';
    const agent = cluster?.proxyUrl ? credentials.agent : this.#agents[scheme];
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const headers = headersOf(credentials.headers, call, body);
    const method = methodOf[call.verb];
    const options = { ...credentials, ...(agent === undefined ? {} : { agent }), method, headers };
    return { url, options, body };
  }
}

/** Sends a request, and resolves once its answer begins. */
const answerTo = (request: http.ClientRequest, body: string | undefined): Promise<http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', resolve);
    request.end(body);
  });

function headersOf(
  credentials: http.OutgoingHttpHeaders | readonly string[] | undefined,
  call: KubernetesCall,
  body: string | undefined,
): http.OutgoingHttpHeaders {
  const headers: http.OutgoingHttpHeaders = { Accept: 'application/json', 'User-Agent': 'latchkey' };
  for (const [name, value] of Object.entries(credentials ?? {})) {
    // A token file may end in a newline, which no header may hold.
    headers[name] = typeof value === 'string' ? value.trim() : value;
  }
  if (body !== undefined) {
    headers['Content-Type'] = call.contentType ?? 'application/json';
    headers['Content-Length'] = Buffer.byteLength(body);
  }
  return headers;
}

const isSuccess = ({ statusCode }: http.IncomingMessage): boolean =>
  statusCode !== undefined && statusCode >= 200 && statusCode < 300;

/** Tells of a body what is no part of it. */
const describeBody = ({ statusCode, headers }: http.IncomingMessage, bytes: number): string =>
  `status ${statusCode}, ${bytes} bytes of ${truncate(headers['content-type'] ?? 'no content type', 80)}`;

async function refusalOf(call: KubernetesCall, response: http.IncomingMessage): Promise<LatchkeyError> {
  const text = await readBoundedAnswer(response, mostRefusalBytes).then(String, () => '');
  const retryAfterMs = parseRetryAfterMs(response.headers['retry-after']);
  let status: ReturnType<typeof readStatus> = {};
  try {
    status = readStatus(JSON.parse(text));
  } catch {
    // A proxy in between answers in its own words; the status code says enough.
  }
  return refusedError(call, {
    statusCode: response.statusCode ?? 0,
    ...status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
