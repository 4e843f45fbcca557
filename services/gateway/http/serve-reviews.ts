import type { IncomingHttpHeaders } from 'node:http';
import { errorCodes, type FastifyInstance } from 'fastify';
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

const texts: Readonly<Record<ShedReason, string>> = {
  overloaded: 'latchkey: too many requests at once, try again [OVERLOADED]',
  late: 'latchkey: the request could not be answered within its timeout, try again [OVERLOADED]',
};

/** Makes the API server repeat the request (docs/reference/kube-apiserver.md C8). */
const unavailable = (text: string): Readonly<Record<string, string>> => ({
  'retry-after': '1',
  'content-type': 'text/plain',
  'content-length': `${text.length}`,
});

/** The gate's outcome takes the place of the body; there is none for a request without a body. */
interface Gated {
  Body: GateOutcome | undefined;
}

interface ServeOptions {
  gate: RequestGate;
  handle: WebhookHandler;
  clock: Pick<Clock, 'sleep'>;
  connections: Pick<OpenConnections, 'endUnread'>;
}

/** Serves the webhook's path: the gate reads the body, and the handler decides what the gate lets through. */
export function serveReviews(app: FastifyInstance, { gate, handle, clock, connections }: ServeOptions): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', (_request, payload, done) =>
    gate.read(payload, (outcome) => done(refusalOf(outcome), outcome)),
  );
  app.addHook<Gated>('preHandler', ({ body: outcome, raw }, reply, next) => {
    if (outcome?.kind !== 'shed') {
      next();
      return;
    }
    const text = texts[outcome.reason];
    reply.code(503).headers(unavailable(text));
    if (outcome.isBodyWhole) reply.send(text);
    else reply.header('connection', 'close').send(earlyAnswer(text, raw, clock));
  });
  app.post<Gated>(webhookPath, ({ headers, body: outcome }, reply) => {
    const { body, waitedMs } = outcome?.kind === 'decide' ? outcome : { body: Buffer.alloc(0), waitedMs: 0 };
    connections.endUnread();
    const answer = handle({ headers, body, waitedMs });
    const [type, content] =
      'json' in answer ? ['application/json', answer.json] : ['text/plain', answer.text];
    return reply.code(answer.status).type(type).send(content);
  });
  // The default answer repeats the URL.
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).type('text/plain').send('latchkey: no such path'),
  );
}

function refusalOf({ kind }: GateOutcome): Error | null {
  if (kind === 'too-long') return new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE();
  return kind === 'gone' ? new Error('the client has left') : null;
}
