import { setImmediate as nextTurn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ChangedRecord } from '#shared/bus/read/set-changes.ts';
import type { SetVersion } from '#shared/bus/records/freshness.ts';
import { createSliceMeter } from '#shared/runtime/turn-queue.ts';
import type { SentRecord, ToWorker } from './to-worker.ts';

/** A set of rules that a worker is to have, as it differs from the one before. */
interface WaitingSet {
  version: SetVersion;
  records: Iterable<ChangedRecord>;
}

type Waiting = WaitingSet | { messages: Iterable<ToWorker>; mayBePassed: boolean };

/**
 * Sends a worker what it has to know, in order and at its pace: one message in a turn of the event loop, and no set before
 * the one before is in force. Of the sets that wait, those of one owner become one, so that a worker that is slower than
 * the changes skips some, as a reader does, and neither falls behind for ever nor keeps what it has not come to.
 */
export class WorkerFeed {
  readonly #send: (message: ToWorker) => Promise<void>;
  readonly #waiting: Waiting[] = [];
  #underWay: { version: SetVersion; isInForce: () => void } | undefined;
  #isSending = false;
  #isEnded = false;

  constructor(send: (message: ToWorker) => Promise<void>) {
    this.#send = send;
  }

  /** Sends these behind all before; each is made when it is its turn. */
  add(messages: Iterable<ToWorker>): void {
    this.#add({ messages, mayBePassed: false });
  }

  /** Sends how fresh rules are. A set that is added later may come before it. */
  addHeard(message: ToWorker): void {
    this.#add({ messages: [message], mayBePassed: true });
  }

  addSet(version: SetVersion, records: Iterable<ChangedRecord>): void {
    const before = this.#waitingSetOf(version.owner);
    if (before === undefined) {
      this.#add({ version, records });
      return;
    }
    const merged = before.records instanceof Map ? before.records : new Map(before.records);
    for (const [key, record] of records) merged.set(key, record);
    before.version = version;
    before.records = merged;
  }

  /** Takes what the worker says that it has in force. */
  acknowledge(applied: readonly SetVersion[]): void {
    const { version, isInForce } = this.#underWay ?? {};
    if (version !== undefined && applied.some((each) => isDeepStrictEqual(each, version))) isInForce?.();
  }

  /** Sends no more: the worker has ended. */
  end(): void {
    this.#isEnded = true;
    this.#waiting.length = 0;
    this.#underWay?.isInForce();
  }

  #waitingSetOf(owner: string): WaitingSet | undefined {
    for (const waiting of this.#waiting.toReversed()) {
      if ('version' in waiting) {
        if (waiting.version.owner === owner) return waiting;
      } else if (!waiting.mayBePassed) return undefined;
    }
    return undefined;
  }

  #add(waiting: Waiting): void {
    if (this.#isEnded) return;
    this.#waiting.push(waiting);
    if (!this.#isSending) void this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    for (;;) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      await ('version' in next ? this.#sendSet(next) : this.#sendEach(next.messages));
    }
    this.#isSending = false;
  }

  async #sendSet({ version, records }: WaitingSet): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#underWay = { version, isInForce: resolve };
    await this.#sendEach(setMessages(version, records));
    if (!this.#isEnded) await promise;
    this.#underWay = undefined;
  }

  async #sendEach(messages: Iterable<ToWorker>): Promise<void> {
    for (const message of messages) {
      if (this.#isEnded) return;
      await this.#send(message);
      await nextTurn();
    }
  }
}

/** Writes records as slices, and the version that they make. */
export function* setMessages(version: SetVersion, records: Iterable<ChangedRecord>): Generator<ToWorker> {
  const isFull = createSliceMeter();
  let slice: SentRecord[] = [];
  const message = (): ToWorker => ({ kind: 'records', manager: version.owner, records: slice });
  for (const [key, record] of records) {
    if (isFull(record?.bytes.length ?? 0)) {
      yield message();
      slice = [];
    }
    slice.push(
      record === undefined || record.deleted
        ? [key, undefined, undefined]
        : [key, record.bytes, record.trace],
    );
  }
  if (slice.length > 0) yield message();
  yield { kind: 'set', ...version };
}
