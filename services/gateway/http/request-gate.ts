import type { IncomingMessage } from 'node:http';
import type { Clock } from '#shared/runtime/clock.ts';
import { type BodyReader, bodyLimitBytes, readBody } from './body-reader.ts';
import { createDecisionQueue } from './decision-queue.ts';
import { isOverloaded, type Load, loadLimits } from './load.ts';
import {
  type Outcome,
  type RequestEvent,
  type RequestState,
  requestPlan,
  type ShedReason,
} from './request-plan.ts';
import { RequestTimeouts } from './request-timeouts.ts';
import { createTicks, type Ticks } from './ticks.ts';

/** Often while there are requests, so that many slow bodies do not end in one turn of the event loop. */
const deadlineCheckMs = 10;

/** A request that has its turn: its body, and how long that has waited since its end. */
interface Turn {
  kind: 'decide';
  body: Buffer;
  waitedMs: number;
}

/** What a request gets from the gate. */
export type GateOutcome = Turn | Exclude<Outcome, { kind: 'decide' }>;

/** A request that has no outcome yet. */
interface Waiting {
  request: IncomingMessage;
  deadlineMs: number;
  state: RequestState;
  body: BodyReader;
  heldBytes: number;
  settle: (outcome: GateOutcome) => void;
}

/** When a slice of decisions begins, and how long it may be. */
export interface DecisionTurns {
  next: (decideSome: () => void) => void;
  mostMs?: number;
}

export interface RequestGateOptions {
  clock: Clock;
  /** How long a caller waits that does not say it, ms. */
  timeoutMs: () => number;
  onShed: (reason: ShedReason) => void;
  limits?: Load;
  /** How decisions share the event loop; by default with no more than this process itself reads. */
  turns?: DecisionTurns;
}

/**
 * Bounds the work and the memory of the gateway. What is too much gets 503 and `Retry-After: 1`: the API server repeats
 * such a request within its timeout (docs/reference/kube-apiserver.md C8). What is older than its timeout is not worked
 * on, for nobody waits for the answer; the API server gets none of these 503.
 */
export class RequestGate {
  readonly #options: RequestGateOptions;
  readonly #limits: Load;
  readonly #queue;
  readonly #deadlines: Ticks;
  readonly #timeouts = new RequestTimeouts();
  readonly #waiting = new Set<Waiting>();
  #heldBytes = 0;

  constructor(options: RequestGateOptions) {
    const { clock, limits = loadLimits, turns = { next: setImmediate } } = options;
    this.#options = options;
    this.#limits = limits;
    this.#queue = createDecisionQueue(clock.monotonicMs, turns.next, turns.mostMs);
    this.#deadlines = createTicks(clock, deadlineCheckMs, () => this.#endLate());
  }

  /**
   * Reads a request's body, and waits until it may be decided.
   * @param settle called once, and for a decision within the time that the queue gives to decisions
   */
  read(request: IncomingMessage, settle: (outcome: GateOutcome) => void): void {
    const { clock, timeoutMs } = this.#options;
    const waiting: Waiting = {
      request,
      deadlineMs: clock.monotonicMs() + this.#timeouts.of(request.url ?? '', timeoutMs()),
      state: 'arriving',
      heldBytes: 0,
      settle,
      body: readBody(request, {
        kept: (bytes) => this.#hold(waiting, bytes),
        whole: () => this.#onWhole(waiting),
        tooLong: () => this.#advance(waiting, 'too-long'),
        gone: () => this.#advance(waiting, 'gone'),
      }),
    };
    this.#waiting.add(waiting);
    this.#deadlines.start();
    if (this.#isOverloaded()) this.#advance(waiting, 'overloaded');
    else if (Number(request.headers['content-length']) > bodyLimitBytes) this.#advance(waiting, 'too-long');
  }

  stop(): void {
    this.#deadlines.stop();
  }

  /** Carries out what the plan lists for an event. */
  #advance(waiting: Waiting, event: RequestEvent, waitedMs = 0): void {
    const step = requestPlan[waiting.state][event];
    if (step === undefined) return;
    waiting.state = step.to;
    if (step.shed !== undefined) this.#options.onShed(step.shed);
    if (step.to === 'queued') {
      this.#queue.add((sinceWholeMs) => this.#onDequeued(waiting, sinceWholeMs));
      return;
    }
    const { outcome } = step;
    const settled =
      outcome?.kind === 'decide' ? { ...outcome, body: waiting.body.bytes(), waitedMs } : outcome;
    this.#releaseBytes(waiting);
    if (settled === undefined) return;
    this.#waiting.delete(waiting);
    waiting.settle(settled);
  }

  #onWhole(waiting: Waiting): void {
    if (this.#isOverloaded()) this.#advance(waiting, 'overloaded');
    this.#advance(waiting, 'whole');
  }

  #onDequeued(waiting: Waiting, waitedMs: number): void {
    if (waiting.request.socket.destroyed) this.#advance(waiting, 'gone');
    else if (this.#options.clock.monotonicMs() >= waiting.deadlineMs) this.#advance(waiting, 'deadline');
    else this.#advance(waiting, 'turn', waitedMs);
  }

  /**
   * Ends the requests whose body has not ended in time; a queued one is judged at its turn.
   * @returns whether any request waits
   */
  #endLate(): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    for (const waiting of this.#waiting) {
      if (nowMs >= waiting.deadlineMs && waiting.state !== 'queued') this.#advance(waiting, 'deadline');
    }
    return this.#waiting.size > 0;
  }

  #hold(waiting: Waiting, bytes: number): void {
    waiting.heldBytes += bytes;
    this.#heldBytes += bytes;
    if (this.#heldBytes <= this.#limits.heldBytes) return;
    const largest = this.#largestArriving();
    if (largest !== undefined) this.#advance(largest, 'overloaded');
  }

  #releaseBytes(waiting: Waiting): void {
    waiting.body.discard();
    this.#heldBytes -= waiting.heldBytes;
    waiting.heldBytes = 0;
  }

  /** Finds who holds the most: a few that hold much must not keep out the many that hold little. */
  #largestArriving(): Waiting | undefined {
    let largest: Waiting | undefined;
    for (const waiting of this.#waiting) {
      if (waiting.state === 'arriving' && waiting.heldBytes > (largest?.heldBytes ?? 0)) largest = waiting;
    }
    return largest;
  }

  #isOverloaded(): boolean {
    const { waitMs, count } = this.#queue;
    return isOverloaded({ waitMs: waitMs(), waiting: count(), heldBytes: this.#heldBytes }, this.#limits);
  }
}
