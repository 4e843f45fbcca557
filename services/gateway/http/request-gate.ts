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
  late: 'latchkey: the request could not be answered within its timeout, try again [OVERLOADED]',
};

const headersOf = (reason: ShedReason): Readonly<Record<string, string>> => ({
  'retry-after': '1',
  'content-type': 'text/plain',
  'content-length': `${texts[reason].length}`,
});

/** A request that is not decided. */
interface Waiting {
  request: IncomingMessage;
  response: ServerResponse;
  deadlineMs: number;
  heldBytes: number;
  /** Counted, and refused as soon as its body has ended. */
  isShed: boolean;
  /** Its body is whole, and held until its turn, also when the client has gone. */
  isQueued: boolean;
}

/** What becomes of a request whose turn has come: one of the two is called, once. */
interface Outcome {
  /** @param waitedMs since its body was whole */
  decide(waitedMs: number): void;
  /** The gate has answered, or nobody waits any more. */
  answered(): void;
}

/** Stands before everything that costs: parsing, the body, the decision. */
export interface RequestGate {
  /** Whether the request may be worked on; else it has been answered. */
  admit(request: IncomingMessage, response: ServerResponse): boolean;
  /** The same once more when the body is there, and when its turn has come. */
  queueDecision(response: ServerResponse, outcome: Outcome): void;
  stop(): void;
}

/**
 * Bounds the work of the gateway. What is too much is answered with 503 and `Retry-After: 1`: the API server repeats such
 * a request within its timeout (docs/reference/kube-apiserver.md C8). Its body is read first, to nowhere (see
 * refused-body.ts). What is older than its timeout is not worked on, for nobody waits for the answer; the API server gets
 * none of these 503.
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
  const release = (entry: Waiting): void => {
    letGo(entry);
    waiting.delete(entry.response);
  };
  const answer = (response: ServerResponse, reason: ShedReason): void => {
    // Refused for something else meanwhile, such as the announced length of a body that still arrives.
    if (response.headersSent) return;
    response.writeHead(503, headersOf(reason));
    response.end(texts[reason]);
  };
  /** A body that does not end in time, or is too long, is not waited for. */
  const cutOff = (entry: Waiting, reason: ShedReason): void => {
    const { request, response } = entry;
    if (!waiting.has(response)) return;
    release(entry);
    if (!entry.isShed) options.onShed(reason);
    discardBody(request, { whole: () => undefined, tooLong: () => undefined });
    if (response.headersSent) return;
    answerEarly(request, response, { status: 503, headers: headersOf(reason), text: texts[reason], clock });
  };
  const refuse = (entry: Waiting): void => {
    letGo(entry);
    entry.isShed = true;
    options.onShed('overloaded');
    discardBody(entry.request, {
      whole: () => {
        release(entry);
        answer(entry.response, 'overloaded');
      },
      tooLong: () => cutOff(entry, 'overloaded'),
    });
  };
  /** Who holds the most of what has not ended: a few that hold much must not keep out the many that hold little. */
  const largest = (): Waiting | undefined => {
    let found: Waiting | undefined;
    for (const entry of waiting.values()) {
      if (!entry.isShed && !entry.isQueued && entry.heldBytes > (found?.heldBytes ?? 0)) found = entry;
    }
    return found;
  };
  const hold = (entry: Waiting, bytes: number): void => {
    if (!waiting.has(entry.response) || entry.isShed) return;
    entry.heldBytes += bytes;
    heldBytes += bytes;
    if (heldBytes <= limits.heldBytes) return;
    const most = largest();
    if (most !== undefined) refuse(most);
  };
  const takeTurn = (entry: Waiting, waitedMs: number, { decide, answered }: Outcome): void => {
    const { request, response, deadlineMs } = entry;
    release(entry);
    if (request.socket.destroyed) {
      answered();
    } else if (clock.monotonicMs() < deadlineMs) {
      decide(waitedMs);
    } else {
      options.onShed('late');
      answer(response, 'late');
      answered();
    }
  };
  const stopLateCheck = clock.every(lateCheckMs, () => {
    const nowMs = clock.monotonicMs();
    for (const entry of waiting.values()) {
      if (nowMs >= entry.deadlineMs && !entry.isQueued) cutOff(entry, 'late');
    }
  });

  return {
    stop: stopLateCheck,
    admit: (request, response) => {
      const deadlineMs = clock.monotonicMs() + requestTimeoutMs(request.url ?? '', options.timeoutMs());
      const entry = { request, response, deadlineMs, heldBytes: 0, isShed: false, isQueued: false };
      waiting.set(response, entry);
      response.once('close', () => {
        if (!entry.isQueued) release(entry);
      });
      if (isOverloaded(load(), limits)) {
        refuse(entry);
        return false;
      }
      request.on('data', (chunk: Buffer) => hold(entry, chunk.length));
      return true;
    },
    queueDecision: (response, outcome) => {
      const entry = waiting.get(response);
      if (entry === undefined || entry.isShed) {
        outcome.answered();
      } else if (isOverloaded(load(), limits)) {
        refuse(entry);
        outcome.answered();
      } else {
        entry.isQueued = true;
        queue.add((waitedMs) => takeTurn(entry, waitedMs, outcome));
      }
    },
  };
}
