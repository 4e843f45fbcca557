import { setImmediate as nextTurn } from 'node:timers/promises';

/** Work that yields wherever the event loop may do something else. */
export type SlicedWork<T = void> = Generator<void, T>;

/** Most that is done in one turn: records, and bytes of them. Either takes a few milliseconds. */
export const recordsPerSlice = 256;
const bytesPerSlice = 256 * 1_024;

/** Counts what a slice has done. Each call says whether what comes next belongs to another. */
export function createSliceMeter(): (bytes: number) => boolean {
  let records = 0;
  let sum = 0;
  return (bytes) => {
    records += 1;
    sum += bytes;
    if (records <= recordsPerSlice && sum <= bytesPerSlice) return false;
    records = 1;
    sum = bytes;
    return true;
  };
}

/** Does sliced work in one go. */
export function finishWork<T>(work: SlicedWork<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/** Does sliced work beside others, each slice in a turn of its own. */
export async function workInTurns<T>(work: SlicedWork<T>): Promise<T> {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    await nextTurn();
  }
}

/** Does pieces of work one after another, each slice in a turn of its own. The first slice of an idle queue runs at once. */
export class TurnQueue {
  #last: Promise<void> | undefined;
  #isEnded = false;

  /** Returns undefined when the work is done already. Rejects with what the work throws later. */
  run(work: SlicedWork): Promise<void> | undefined {
    if (this.#isEnded) return undefined;
    const before = this.#last;
    if (before === undefined && work.next().done === true) return undefined;
    const done = this.#finish(before, work);
    this.#last = done;
    const forget = (): void => {
      if (this.#last === done) this.#last = undefined;
    };
    done.then(forget, forget);
    return done;
  }

  /** Leaves undone what is not done. */
  end(): void {
    this.#isEnded = true;
  }

  async #finish(before: Promise<void> | undefined, work: SlicedWork): Promise<void> {
    await before?.catch(() => undefined);
    do await nextTurn();
    while (!this.#isEnded && work.next().done !== true);
  }
}
