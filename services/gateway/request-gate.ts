import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '#shared/runtime/clock.ts';
import { createTurnMeter, isOverloaded, type Load, loadLimits, watchLag } from './load-shedding.ts';
import { createRefusalPace } from './refusal-pace.ts';
import { answerEarly, discardBody } from './refused-body.ts';
import { requestTimeoutMs } from './request-timeout.ts';

/** Why a request is answered with 503 and no decision: too many at once, or its deadline has passed. */
export type ShedReason = 'overloaded' | 'late';

const lateCheckMs = 100;

const texts: Readonly<Record<ShedReason, string>> = {
  overloaded: 'latchkey: too many requests at once, try again [OVERLOADED]',
  late: 'latchkey: the request was not complete within its timeout, try again [OVERLOADED]',
};

const headersOf = (reason: ShedReason): Readonly<Record<string, string>> => ({
  'retry-after': '1',
  'content-type': 'text/plain',
  'content-length': `${texts[reason].length}`,
});

/** A request whose body has not ended. */
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
  /** The same once more when the body is there. */
  admitDecision(request: IncomingMessage, response: ServerResponse): boolean;
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
  const turn = createTurnMeter(clock.monotonicMs, setImmediate);
  const lag = watchLag(clock);
  const pace = createRefusalPace(clock);
  let heldBytes = 0;
  const load = (): Load => ({
    turnMs: turn.turnMs(),
    turnRequests: turn.turnRequests(),
    lagMs: lag.lagMs(),
    heldBytes,
  });

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
  const refuse = (request: IncomingMessage, response: ServerResponse): false => {
    options.onShed('overloaded');
    discardBody(request, {
      whole: () => {
        release(response);
        pace.refuse(() => answer(response, 'overloaded'));
      },
      tooLong: () => cutOff(response, 'overloaded'),
    });
    return false;
  };
  const stopLateCheck = clock.every(lateCheckMs, () => {
    for (const [response, { deadlineMs }] of waiting) {
      if (clock.monotonicMs() >= deadlineMs) cutOff(response, 'late');
    }
  });

  return {
    stop: () => {
      stopLateCheck();
      lag.stop();
      pace.stop();
    },
    admit: (request, response) => {
      const now = load();
      // It may have arrived when the loop began its turn.
      const deadlineMs =
        clock.monotonicMs() - now.turnMs + requestTimeoutMs(request.url ?? '', options.timeoutMs());
      const entry = { request, deadlineMs, heldBytes: 0, isShed: isOverloaded(now, limits) };
      waiting.set(response, entry);
      response.once('close', () => release(response));
      if (entry.isShed) return refuse(request, response);
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
    admitDecision: (request, response) => {
      const entry = release(response);
      if (entry === undefined) return false;
      if (clock.monotonicMs() >= entry.deadlineMs) {
        options.onShed('late');
        answer(response, 'late');
        return false;
      }
      if (isOverloaded(load(), limits)) return refuse(request, response);
      turn.take();
      pace.decided();
      return true;
    },
  };
}
