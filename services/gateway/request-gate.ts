import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '#shared/runtime/clock.ts';
import { createDecisionQueue } from './decision-queue.ts';
import { isOverloaded, type Load, loadLimits } from './load-shedding.ts';
import { answerEarly, discardBody } from './refused-body.ts';
import { requestTimeoutMs } from './request-timeout.ts';

/** Why a request is answered with 503 and no decision: too many at once, or its deadline has passed. */
export type ShedReason = 'overloaded' | 'late';

/** Often, so that many slow bodies do not end in one turn of the event loop. */
const lateCheckMs = 10;

const texts: Readonly<Record<ShedReason, string>> = {
  overloaded: 'latchkey: too many requests at once, try again [OVERLOADED]',
  late: 'latchkey: the request was not complete within its timeout, try again [OVERLOADED]',
};

const headersOf = (reason: ShedReason): Readonly<Record<string, string>> => ({
  'retry-after': '1',
  'content-type': 'text/plain',
  'content-length': `${texts[reason].length}`,
});

/** A request that is not decided. */
interface Waiting {
  request: IncomingMessage;
  deadlineMs: number;
  heldBytes: number;
  /** Counted, and refused as soon as its body has ended. */
  isShed: boolean;
}

/** Stands before everything that costs: parsing, the body, the decision. */
export interface RequestGate {
  /** Whether the request may be worked on; else it has been answered. */
  admit(request: IncomingMessage, response: ServerResponse): boolean;
  /** The same once more when the body is there, and when its turn has come; then one of the two is called, once. */
  queueDecision(
    request: IncomingMessage,
    response: ServerResponse,
    then: { decide: () => void; answered: () => void },
  ): void;
  stop(): void;
}

/**
 * Bounds the work of the gateway. What is too much is answered with 503 and `Retry-After: 1`: the API server repeats such
 * a request within its timeout (apiserver-contract.md C8). Its body is read first, to nowhere (see refused-body.ts). What
 * is older than its timeout is not worked on, for nobody waits for the answer; the API server gets none of these 503.
 * @param options.timeoutMs how long a caller waits that does not say it
 */
export function createRequestGate(options: {
  clock: Clock;
  timeoutMs: () => number;
  onShed: (reason: ShedReason) => void;
  limits?: Load;
}): RequestGate {
  const { clock, limits = loadLimits } = options;
  const waiting = new Map<ServerResponse, Waiting>();
  const queue = createDecisionQueue(clock.monotonicMs, setImmediate);
  let heldBytes = 0;
  const load = (): Load => ({ waitMs: queue.waitMs(), waiting: queue.count(), heldBytes });

  const letGo = (entry: Waiting): void => {
    heldBytes -= entry.heldBytes;
    entry.heldBytes = 0;
  };
  const release = (response: ServerResponse): Waiting | undefined => {
    const entry = waiting.get(response);
    if (entry !== undefined) letGo(entry);
    waiting.delete(response);
    return entry;
  };
  const answer = (response: ServerResponse, reason: ShedReason): void => {
    // Refused for something else meanwhile, such as the announced length of a body that still arrives.
    if (response.headersSent) return;
    response.writeHead(503, headersOf(reason));
    response.end(texts[reason]);
  };
  /** A body that does not end in time, or is too long, is not waited for. */
  const cutOff = (response: ServerResponse, reason: ShedReason): void => {
    const entry = release(response);
    if (entry === undefined) return;
    if (!entry.isShed) options.onShed(reason);
    discardBody(entry.request, { whole: () => undefined, tooLong: () => undefined });
    if (response.headersSent) return;
    answerEarly(entry.request, response, {
      status: 503,
      headers: headersOf(reason),
      text: texts[reason],
      clock,
    });
  };
  const refuse = (request: IncomingMessage, response: ServerResponse): void => {
    options.onShed('overloaded');
    discardBody(request, {
      whole: () => {
        release(response);
        answer(response, 'overloaded');
      },
      tooLong: () => cutOff(response, 'overloaded'),
    });
  };
  const stopLateCheck = clock.every(lateCheckMs, () => {
    const nowMs = clock.monotonicMs();
    for (const [response, { request, deadlineMs }] of waiting) {
      if (nowMs >= deadlineMs && !request.readableEnded) cutOff(response, 'late');
    }
  });

  return {
    stop: stopLateCheck,
    admit: (request, response) => {
      const deadlineMs = clock.monotonicMs() + requestTimeoutMs(request.url ?? '', options.timeoutMs());
      const entry = { request, deadlineMs, heldBytes: 0, isShed: isOverloaded(load(), limits) };
      waiting.set(response, entry);
      response.once('close', () => release(response));
      if (entry.isShed) {
        refuse(request, response);
        return false;
      }
      request.on('data', (chunk: Buffer) => {
        if (!waiting.has(response)) return;
        entry.heldBytes += chunk.length;
        heldBytes += chunk.length;
        if (heldBytes <= limits.heldBytes) return;
        letGo(entry);
        entry.isShed = true;
        refuse(request, response);
      });
      return true;
    },
    queueDecision: (request, response, { decide, answered }) => {
      const isCutOff = !waiting.has(response);
      if (isCutOff || isOverloaded(load(), limits)) {
        if (!isCutOff) refuse(request, response);
        answered();
        return;
      }
      queue.add(() => {
        const entry = release(response);
        const isLate = entry !== undefined && clock.monotonicMs() >= entry.deadlineMs;
        if (entry !== undefined && !isLate) {
          decide();
          return;
        }
        if (isLate) {
          options.onShed('late');
          answer(response, 'late');
        }
        answered();
      });
    },
  };
}
