import type { Logger } from 'pino';
import type { ChangedRecord } from '#shared/bus/read/set-changes.ts';
import type { SetVersion } from '#shared/bus/records/freshness.ts';
import { type BackoffBounds, backoffMs } from '#shared/runtime/backoff.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { ConnectionDealer } from './connection-dealer.ts';
import type { Reports } from './joint-versions.ts';
import { MetricsInquiry } from './metrics-inquiry.ts';
import type { ToPrimary, WorkerReport } from './to-primary.ts';
import type { ToWorker } from './to-worker.ts';
import { WorkerFeed } from './worker-feed.ts';
import type { StartWorker, WorkerProcess } from './worker-process.ts';

/** Pause before a worker that has ended is replaced: short, unless it ends again and again. */
const replaceBackoff: BackoffBounds = { firstMs: 100, longestMs: 10_000 };
/** A worker that has served for so long, ms, was none of those. */
const steadyMs = 10_000;
const watchIntervalMs = 1_000;
/** Signs of life that a worker may miss in a row, as many seconds as the kubelet gives a process; more until it has started. */
const mostMissed = { running: 30, starting: 120 };

/** Why a worker ended although it was not told to. */
export type WorkerEnd = 'crashed' | 'silent';

interface PoolOptions {
  count: number;
  start: StartWorker;
  clock: Clock;
  log: Logger;
  /** Gives all that a new worker has to know, as it is when each message is sent. */
  fill: () => Iterable<ToWorker>;
  /** Called when a worker has said something new of itself. */
  onReport: () => void;
  onEnd: (reason: WorkerEnd) => void;
}

/** A worker while it lives. */
interface Worker {
  /** Stays that of the place when it is replaced. */
  number: number;
  id: number;
  process: WorkerProcess;
  feed: WorkerFeed;
  state: 'starting' | 'filling' | 'serving' | 'leaving';
  report: WorkerReport | undefined;
  missed: number;
  servesSinceMs: number | undefined;
  isKilled: boolean;
}

/** Keeps workers running, each filled before it gets a connection, and replaces those that end. */
export class WorkerPool {
  readonly dealer: ConnectionDealer;
  readonly #options: PoolOptions;
  readonly #log: Logger;
  readonly #workers = new Map<number, Worker>();
  readonly #failures = new Map<number, number>();
  readonly #metrics: MetricsInquiry;
  readonly #drained = Promise.withResolvers<void>();
  #ids = 0;
  #isDraining = false;
  #haveAllServed = false;
  #stopWatch = (): void => undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#log = options.log.child({ component: 'workers' });
    this.dealer = new ConnectionDealer(options.clock.monotonicMs);
    this.#metrics = new MetricsInquiry(options.clock);
  }

  start(): void {
    for (let number = 1; number <= this.#options.count; number += 1) this.#start(number);
    this.#stopWatch = this.#options.clock.every(watchIntervalMs, () => this.#watch());
  }

  /** Tells every worker; one that is not filled yet learns it then. */
  tell(messages: () => Iterable<ToWorker>): void {
    this.#tellEach((feed) => feed.add(messages()));
  }

  /** Tells every worker of a set, as it differs from the one before. */
  tellSet(version: SetVersion, records: readonly ChangedRecord[]): void {
    this.#tellEach((feed) => feed.addSet(version, records));
  }

  /** Tells every worker how fresh rules are. */
  tellHeard(message: ToWorker): void {
    this.#tellEach((feed) => feed.addHeard(message));
  }

  /** Gives what the workers that serve said last. */
  reports(): Reports {
    return [...this.#workers.values()].flatMap(({ state, report }) => (state === 'serving' && report) || []);
  }

  haveAllServed(): boolean {
    return this.#haveAllServed;
  }

  /** Gives the metrics of every worker that answers in time. */
  metricsTexts(mostMs: number): ReturnType<MetricsInquiry['ask']> {
    const started = [...this.#workers.values()].filter(({ state }) => state !== 'starting');
    // One that leaves has the number of its successor, and a page must not have a sample twice.
    const newest = new Map(started.map((worker) => [worker.number, worker]));
    return this.#metrics.ask([...newest.values()], mostMs);
  }

  /** Lets every worker drain its connections and end; new ones go to those that still serve. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    for (const { state, process } of this.#workers.values()) {
      if (state === 'starting' || state === 'filling') process.kill();
      else void process.send({ kind: 'drain' });
    }
    if (this.#workers.size === 0) this.#drained.resolve();
    await this.#drained.promise;
    this.#stopWatch();
    this.dealer.close();
  }

  #tellEach(add: (feed: WorkerFeed) => void): void {
    for (const { state, feed } of this.#workers.values()) if (state !== 'starting') add(feed);
  }

  #start(number: number): void {
    this.#ids += 1;
    const id = this.#ids;
    const worker: Worker = {
      ...{ number, id, state: 'starting', report: undefined, missed: 0 },
      ...{ servesSinceMs: undefined, isKilled: false },
      process: this.#options.start(number, {
        onMessage: (message) => this.#onMessage(worker, message),
        onExit: (how) => this.#onExit(worker, how),
      }),
      feed: new WorkerFeed((message) => worker.process.send(message)),
    };
    this.#workers.set(id, worker);
    this.#log.info({ worker: number, pid: worker.process.pid }, 'worker started');
  }

  #onMessage(worker: Worker, message: ToPrimary): void {
    if (!this.#workers.has(worker.id)) return;
    worker.missed = 0;
    if (message.kind === 'started') {
      worker.state = 'filling';
      worker.feed.add(this.#filling(worker));
    } else if (message.kind === 'serving') this.#onServing(worker);
    else if (message.kind === 'report') {
      worker.report = message;
      worker.feed.acknowledge(message.applied);
      this.#options.onReport();
    } else if (message.kind === 'took') this.dealer.took(worker.id, message.id);
    else if (message.kind === 'ended') this.dealer.ended(worker.id, message.connections);
    else if (message.kind === 'metrics') this.#metrics.answer(message.id, message.text);
    else this.#onLeaving(worker);
  }

  /** Lets a worker serve behind what was told during its fill: some of that belongs to a set that was read in two halves. */
  *#filling({ feed }: Worker): Generator<ToWorker> {
    yield* this.#options.fill();
    feed.add([{ kind: 'serve' }]);
  }

  #onServing(worker: Worker): void {
    // One that leaves may still have been told to serve.
    if (worker.state !== 'filling') return;
    worker.state = 'serving';
    worker.servesSinceMs = this.#options.clock.monotonicMs();
    this.#log.info({ worker: worker.number, pid: worker.process.pid }, 'worker serves');
    const serving = [...this.#workers.values()].filter(({ state }) => state === 'serving');
    this.#haveAllServed ||= serving.length === this.#options.count;
    this.dealer.add(
      worker.id,
      (id, socket, waiting) => void worker.process.send({ kind: 'connection', id, waiting }, socket),
    );
    this.#options.onReport();
  }

  /** Replaces a worker that ends by itself while it still answers what it has begun. */
  #onLeaving(worker: Worker): void {
    const wasServing = worker.state !== 'leaving';
    worker.state = 'leaving';
    this.dealer.remove(worker.id);
    this.#options.onReport();
    if (wasServing) this.#replace(worker);
  }

  #onExit(worker: Worker, how: { code: number | null; signal: NodeJS.Signals | null }): void {
    const { number, process, isKilled } = worker;
    worker.feed.end();
    this.#workers.delete(worker.id);
    this.#log[this.#isDraining ? 'info' : 'error'](
      { worker: number, pid: process.pid, ...how },
      'worker ended',
    );
    if (worker.state !== 'leaving') {
      this.dealer.remove(worker.id);
      this.#replace(worker);
    }
    if (!this.#isDraining) this.#options.onEnd(isKilled ? 'silent' : 'crashed');
    this.#options.onReport();
    if (this.#isDraining && this.#workers.size === 0) this.#drained.resolve();
  }

  #replace({ number, servesSinceMs = Infinity }: Worker): void {
    if (this.#isDraining) return;
    const { clock } = this.#options;
    const wasSteady = clock.monotonicMs() - servesSinceMs > steadyMs;
    const failures = wasSteady ? 0 : (this.#failures.get(number) ?? 0);
    this.#failures.set(number, failures + 1);
    void clock.sleep(backoffMs(replaceBackoff, failures)).then(() => {
      if (!this.#isDraining) this.#start(number);
    });
  }

  /** Ends workers that stand still: the kubelet sees the primary only. */
  #watch(): void {
    this.dealer.endLate();
    for (const worker of this.#workers.values()) {
      worker.missed += 1;
      const most = worker.state === 'starting' ? mostMissed.starting : mostMissed.running;
      if (worker.missed <= most || worker.isKilled) continue;
      this.#log.error({ worker: worker.number, pid: worker.process.pid }, 'worker stands still, ending it');
      worker.isKilled = true;
      worker.process.kill();
    }
  }
}
