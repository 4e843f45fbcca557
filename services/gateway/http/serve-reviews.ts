import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { webhookPath } from '#shared/contracts/kubernetes/webhook-path.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { earlyAnswer } from './early-answer.ts';
import type { OpenConnections } from './open-connections.ts';
import type { GateOutcome, RequestGate } from './request-gate.ts';
import type { ShedReason } from './request-plan.ts';

/** A request as the webhook decides it. */
interface WebhookRequest {
  headers: IncomingHttpHeaders;
  /** The bytes received: no schema touches the pod, since a coercing one loses fields (docs/reference/libraries.md L7). */
  body: Buffer;
  /** From the end of its body until now. */
  waitedMs: number;
}

/** The answer to it, JSON as it is sent or plain text. */
type WebhookAnswer = { status: number } & ({ json: string } | { text: string });

/** Decides a request, within the time that the queue gives to decisions. */
export type WebhookHandler = (request: WebhookRequest) => WebhookAnswer;

interface Deciding {
  handle: WebhookHandler;
  /** Called with what the handler threw, and how long its request had waited before. */
  onFault: (err: unknown, waitedMs: number) => void;
}

const jsonType = /^application\/json[ \t]*(?:;|$)/i;

/** Tells whether a request is one that the webhook is there for. */
export const isReview = ({ method, url = '', headers }: IncomingMessage): boolean =>
  method === 'POST' &&
  (url === webhookPath || url.startsWith(`${webhookPath}?`)) &&
  jsonType.test(headers['content-type'] ?? '');

/** Serves requests for which {@link isReview}: the gate reads the body, and the handler decides what it lets through. */
export function serveReviews(
  options: Deciding & {
    gate: RequestGate;
    clock: Pick<Clock, 'sleep'>;
    connections: Pick<OpenConnections, 'endUnread'>;
  },
): (request: IncomingMessage, response: ServerResponse) => void {
  const { gate, clock, connections } = options;
  const settle = (request: IncomingMessage, response: ServerResponse, outcome: GateOutcome): void => {
    // Nobody waits for an answer.
    if (outcome.kind === 'gone' || response.destroyed) return;
    if (outcome.kind === 'decide') {
      const { body, waitedMs } = outcome;
      connections.endUnread();
      send(response, decided(options, { headers: request.headers, body, waitedMs }));
      return;
    }
    const { status, text, headers } = refusalOf(outcome);
    response.writeHead(status, { ...headers, ...textOf(text) });
    if (outcome.kind === 'shed' && outcome.isBodyWhole) response.end(text);
    else earlyAnswer(text, request, clock).pipe(response);
  };
  return (request, response) => gate.read(request, (outcome) => settle(request, response, outcome));
}

/** Makes a fault of the handler the answer 500 of its request alone. */
function decided({ handle, onFault }: Deciding, request: WebhookRequest): WebhookAnswer {
  try {
    return handle(request);
  } catch (err) {
    try {
      onFault(err, request.waitedMs);
    } catch {
      // Nothing is left to tell of it: what tells is what failed.
    }
    return { status: 500, text: 'latchkey: internal error, see the gateway log' };
  }
}

function send(response: ServerResponse, answer: WebhookAnswer): void {
  const [type, content] = 'json' in answer ? ['application/json', answer.json] : ['text/plain', answer.text];
  const length = Buffer.byteLength(content);
  // A text goes into one write with the head, and one of ASCII is written as it is.
  const encoding = length === content.length ? 'latin1' : 'utf8';
  response
    .writeHead(answer.status, { 'content-type': type, 'content-length': length })
    .end(content, encoding);
}

const shedTexts: Readonly<Record<ShedReason, string>> = {
  overloaded: 'latchkey: too many requests at once, try again [OVERLOADED]',
  late: 'latchkey: the request could not be answered within its timeout, try again [OVERLOADED]',
};

const textOf = (text: string): object => ({ 'content-type': 'text/plain', 'content-length': text.length });

/** An answer without a decision. One before the end of the body ends the connection. */
function refusalOf(outcome: Extract<GateOutcome, { kind: 'shed' | 'too-long' }>): {
  status: number;
  text: string;
  headers: object;
} {
  if (outcome.kind === 'too-long')
    return { status: 413, text: 'latchkey: the request is too long', headers: { connection: 'close' } };
  // Makes the API server repeat the request (docs/reference/kube-apiserver.md C8).
  const again = { 'retry-after': '1' };
  const headers = outcome.isBodyWhole ? again : { ...again, connection: 'close' };
  return { status: 503, text: shedTexts[outcome.reason], headers };
}
