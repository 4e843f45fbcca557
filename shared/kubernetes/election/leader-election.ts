import type { Logger } from 'pino';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { type BackgroundLoop, startBackgroundLoop } from '#shared/runtime/background-loop.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { type Lease, readLease, replaceLease } from './lease.ts';
import {
  expiresAtMs,
  holderSpec,
  leaseTimes,
  nextLeaseStep,
  type ObservedLease,
  observeLease,
  releasedSpec,
  withinRenewDeadline,
} from './next-lease-step.ts';

/** One candidate's part in the election. */
export interface LeaderElection {
  /** Returns whether this process leads, by its own clock: false as soon as another one might. Costs nothing. */
  isLeading(): boolean;
  /** Returns who holds the Lease, as last observed; undefined when nobody does or it was not read yet. */
  holder(): string | undefined;
  /** Returns for how long every read has found the Lease unchanged, ms of the own monotonic clock. */
  unchangedMs(): number;
  /** Returns why the Lease could not be read or written the last time. */
  problem(): string | undefined;
  /** Ends the candidacy; a leader releases the Lease, so that the next one leads at once. */
  stop(): Promise<void>;
}

interface ElectionOptions {
  kubernetes: Kubernetes;
  /** Exists already: nobody may create it. */
  lease: { namespace: string; name: string };
  /** Of this process alone, and of those before it in the same pod. */
  identity: string;
  log: Logger;
  clock: Clock;
  /** Called once, when this process begins to lead. */
  onLead(): void;
  /** Called once, when it does not lead any more without having stopped: it must do nothing further. */
  onLost(why: string): void;
}

/** How soon a process that was paused past its deadline finds out. */
const watchdogMs = 250;

/** Stands for election until it is stopped or has led and lost. Uses (get, update) of the Lease. */
export const startLeaderElection = (options: ElectionOptions): LeaderElection => new Candidate(options);

class Candidate implements LeaderElection {
  readonly #options: ElectionOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #loop: BackgroundLoop;
  readonly #stopWatchdog: () => void;
  #observed: ObservedLease | undefined;
  #readAtMs = 0;
  /** The Lease as this process has last written it. */
  #written: Lease | undefined;
  #writes = 0;
  #renewedAtMs: number | undefined;
  #problem: string | undefined;
  #ended = false;

  constructor(options: ElectionOptions) {
    const { clock, lease } = options;
    this.#options = options;
    this.#clock = clock;
    this.#log = options.log.child({ component: 'leader-election', lease: lease.name });
    this.#problem = `Lease ${lease.name} has not been read yet`;
    this.#loop = startBackgroundLoop({
      name: 'leader election',
      run: () => this.#round(),
      backoff: () => this.#retryMs(),
      log: this.#log,
      clock,
    });
    this.#stopWatchdog = clock.every(watchdogMs, () => {
      if (this.#renewedAtMs !== undefined && !this.isLeading()) {
        this.#lose(this.#problem ?? 'it was not renewed in time');
      }
    });
  }

  isLeading = (): boolean => withinRenewDeadline(this.#renewedAtMs, this.#clock.monotonicMs());

  holder = (): string | undefined => this.#observed?.spec.holderIdentity || undefined;

  unchangedMs = (): number => this.#readAtMs - (this.#observed?.sinceMs ?? this.#readAtMs);

  problem = (): string | undefined => this.#problem;

  stop = async (): Promise<void> => {
    this.#stopWatchdog();
    this.#ended = true;
    await this.#loop.stop();
    this.#renewedAtMs = undefined;
    if (this.#written !== undefined) await this.#release(this.#written);
  };

  /** One attempt; returns the pause before the next one, ms. */
  async #round(): Promise<number> {
    try {
      // Not cut short by a stop: whoever does not know what it has written last could not release the Lease.
      await inTime((signal) => this.#attempt(signal), this.#clock);
      this.#problem = undefined;
    } catch (err) {
      this.#problem = isRace(err) ? undefined : String(err instanceof Error ? err.message : err);
      if (this.#problem !== undefined) throw err;
      return this.#retryMs();
    }
    if (this.#renewedAtMs === undefined) return this.#retryMs();
    return this.#renewedAtMs + leaseTimes.renewEveryMs - this.#clock.monotonicMs();
  }

  /** Returns the pause of a candidate, and of a leader whose attempt has failed, ms. */
  #retryMs(): number {
    if (this.#renewedAtMs !== undefined) return leaseTimes.leaderRetryMs;
    const observed = this.#observed;
    const untilFreeMs = observed === undefined ? 0 : expiresAtMs(observed) - this.#clock.monotonicMs();
    return untilFreeMs > 0 ? Math.min(leaseTimes.retryEveryMs, untilFreeMs) : leaseTimes.retryEveryMs;
  }

  async #attempt(signal: AbortSignal): Promise<void> {
    const { kubernetes, identity } = this.#options;
    const lease = await readLease(kubernetes, this.#options.lease, signal);
    const nowMs = this.#clock.monotonicMs();
    const before = this.#observed?.spec.holderIdentity;
    const observed = observeLease(this.#observed, lease.spec ?? {}, nowMs);
    this.#observed = observed;
    this.#readAtMs = nowMs;
    const step = nextLeaseStep({ identity, observed, renewedAtMs: this.#renewedAtMs }, nowMs);
    const holder = observed.spec.holderIdentity;
    if (step === 'lost') this.#lose(`the Lease is held by ${holder || 'nobody'}`);
    else if (step !== 'wait') await this.#take(lease, signal);
    else if (holder !== before) this.#log.info({ holder }, 'Lease is held by another, standing by');
  }

  async #take(lease: Lease, signal: AbortSignal): Promise<void> {
    const { kubernetes, identity, onLead } = this.#options;
    this.#writes += 1;
    const sentAtMs = this.#clock.monotonicMs();
    const wall = { nowMs: this.#clock.now(), count: this.#writes };
    const spec = holderSpec(lease.spec ?? {}, identity, wall);
    const written = await replaceLease(kubernetes, { ...lease, spec }, signal);
    const nowMs = this.#clock.monotonicMs();
    this.#written = written;
    this.#observed = observeLease(this.#observed, written.spec ?? {}, nowMs);
    // An answer that came too late to act on: the next attempt finds its own name.
    if (this.#ended || !withinRenewDeadline(sentAtMs, nowMs)) return;
    const begins = this.#renewedAtMs === undefined;
    this.#renewedAtMs = sentAtMs;
    if (!begins) return;
    this.#log.info('leadership acquired');
    onLead();
  }

  #lose(why: string): void {
    if (this.#ended) return;
    this.#ended = true;
    void this.#loop.stop();
    this.#renewedAtMs = undefined;
    this.#log.error({ why }, 'leadership lost');
    this.#options.onLost(why);
  }

  async #release(lease: Lease): Promise<void> {
    const released = { ...lease, spec: releasedSpec(lease.spec ?? {}) };
    const release = (signal: AbortSignal) => replaceLease(this.#options.kubernetes, released, signal);
    await inTime(release, this.#clock).then(
      () => this.#log.info('Lease released'),
      (err: unknown) => this.#log.debug({ err }, 'Lease release failed, it expires by itself'),
    );
  }
}

/** Whether somebody else was faster; the next attempt sees who. */
const isRace = (err: unknown): boolean => err instanceof LatchkeyError && err.code === 'KUBERNETES_CONFLICT';

/** Runs what heeds its signal, which aborts when the time of an attempt is over. */
async function inTime<T>(attempt: (signal: AbortSignal) => Promise<T>, clock: Clock): Promise<T> {
  const ended = new AbortController();
  const tooLate = new AbortController();
  void clock.sleep(leaseTimes.attemptTimeoutMs, ended.signal).then(() => tooLate.abort());
  try {
    return await attempt(tooLate.signal);
  } finally {
    ended.abort();
  }
}
