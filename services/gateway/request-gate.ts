import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '#shared/runtime/clock.ts';
import { createTurnMeter, isOverloaded, type Load, loadLimits, watchLag } from './load-shedding.ts';
import { createRefusalPace } from './refusal-pace.ts';
import { requestTimeoutMs } from './request-timeout.ts';

/** Why a request is answered with 503 and no decision: too many at once, or its deadline has passed. */
export type ShedReason = 'overloaded' | 'late';

/** A body up to this is read and thrown away to keep the connection; a longer one costs more than a new handshake. */
const mostDiscardedBytes = 256 * 1024;
const lateCheckMs = 100;

const texts: Readonly<Record<ShedReason, string>> = {
  overloaded: 'latchkey: too many requests at once, try again [OVERLOADED]',
  late: 'latchkey: the request was not complete within its timeout, try again [OVERLOADED]',
};

/** A request that was let in and waits for its body. */
interface Waiting {
  deadlineMs: number;
  heldBytes: number;
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
 * Bounds the work of the gateway. What is too much is answered with 503 and `Retry-After: 1`, before its body is read:
 * the API server repeats such a request within its timeout (apiserver-contract.md C8). What is older than its timeout is
 * not worked on, for nobody waits for the answer; the API server gets none of these 503.
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

  const release = (response: ServerResponse): Waiting | undefined => {
    const entry = waiting.get(response);
    waiting.delete(response);
    heldBytes -= entry?.heldBytes ?? 0;
    return entry;
  };
  const answer = (response: ServerResponse, reason: ShedReason, connection: 'keep' | 'close'): void => {
    // Refused for something else meanwhile, such as the announced length of a body that still arrives.
    if (response.headersSent) return;
    const headers = {
      'retry-after': '1',
      'content-type': 'text/plain',
      'content-length': texts[reason].length,
    };
    response.writeHead(503, connection === 'keep' ? headers : { ...headers, connection });
    response.end(texts[reason]);
  };
  const shed = (response: ServerResponse, reason: ShedReason, connection: 'keep' | 'close'): false => {
    release(response);
    options.onShed(reason);
    answer(response, reason, connection);
    return false;
  };
  const refuse = (request: IncomingMessage, response: ServerResponse): false => {
    options.onShed('overloaded');
    const bytes = Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY);
    if (bytes <= mostDiscardedBytes) request.resume();
    pace.refuse(() => answer(response, 'overloaded', bytes <= mostDiscardedBytes ? 'keep' : 'close'));
    return false;
  };
  const stopLateCheck = clock.every(lateCheckMs, () => {
    for (const [response, { deadlineMs }] of waiting) {
      if (clock.monotonicMs() >= deadlineMs) shed(response, 'late', 'close');
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
      if (isOverloaded(now, limits)) return refuse(request, response);
      // It may have arrived when the loop began its turn.
      const arrivedAtMs = clock.monotonicMs() - now.turnMs;
      const entry = {
        deadlineMs: arrivedAtMs + requestTimeoutMs(request.url ?? '', options.timeoutMs()),
        heldBytes: 0,
      };
      waiting.set(response, entry);
      request.on('data', (chunk: Buffer) => {
        if (!waiting.has(response)) return;
        entry.heldBytes += chunk.length;
        heldBytes += chunk.length;
        if (heldBytes > limits.heldBytes) shed(response, 'overloaded', 'close');
      });
      response.once('close', () => release(response));
      return true;
    },
    admitDecision: (request, response) => {
      const entry = release(response);
      if (entry === undefined) return false;
      if (clock.monotonicMs() >= entry.deadlineMs) return shed(response, 'late', 'keep');
      if (isOverloaded(load(), limits)) return refuse(request, response);
      turn.take();
      pace.decided();
      return true;
    },
  };
}
