import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ChangedRecord } from '#shared/bus/read/set-changes.ts';
import type { SetVersion } from '#shared/bus/records/freshness.ts';
import { createSliceMeter } from '#shared/runtime/turn-queue.ts';
import type { SentRecord, ToWorker } from './to-worker.ts';

/** Sends a worker what it has to know, in order and at its pace, one message in a turn of the event loop. */
export class WorkerFeed {
  readonly #send: (message: ToWorker) => Promise<void>;
  #last: Promise<void> = Promise.resolve();
  #isEnded = false;

  constructor(send: (message: ToWorker) => Promise<void>) {
    this.#send = send;
  }

  /** Sends these behind all before; each is made when it is its turn. */
  add(messages: Iterable<ToWorker>): void {
    this.#last = this.#last.then(() => this.#sendAll(messages));
  }

  /** Sends no more: the worker has ended. */
  end(): void {
    this.#isEnded = true;
  }

  async #sendAll(messages: Iterable<ToWorker>): Promise<void> {
    if (this.#isEnded) return;
    for (const message of messages) {
      await this.#send(message);
      await nextTurn();
      if (this.#isEnded) return;
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
