import type { Clock } from '#shared/runtime/clock.ts';
import type { ToWorker } from './to-worker.ts';

/** A worker that can be asked. */
interface Asked {
  number: number;
  process: { send(message: ToWorker): Promise<void> };
}

/** Asks workers for their metrics; one that does not answer in time is left out. */
export class MetricsInquiry {
  readonly #clock: Pick<Clock, 'sleep'>;
  readonly #waiting = new Map<number, (text: string) => void>();
  #ids = 0;

  constructor(clock: Pick<Clock, 'sleep'>) {
    this.#clock = clock;
  }

  answer(id: number, text: string): void {
    this.#waiting.get(id)?.(text);
  }

  async ask(workers: readonly Asked[], mostMs: number): Promise<{ worker: number; text: string }[]> {
    const texts = await Promise.all(workers.map(({ process }) => this.#askOne(process, mostMs)));
    return workers.flatMap(({ number: worker }, index) => {
      const text = texts[index];
      return text === undefined ? [] : [{ worker, text }];
    });
  }

  async #askOne(process: Asked['process'], mostMs: number): Promise<string | undefined> {
    this.#ids += 1;
    const id = this.#ids;
    const { promise, resolve } = Promise.withResolvers<string>();
    const isAnswered = new AbortController();
    this.#waiting.set(id, resolve);
    void process.send({ kind: 'metrics', id });
    const isOver = this.#clock.sleep(mostMs, isAnswered.signal).then(() => undefined);
    const text = await Promise.race([promise, isOver]);
    isAnswered.abort();
    this.#waiting.delete(id);
    return text;
  }
}
