import type { Logger } from 'pino';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { startBackgroundLoop } from '#shared/runtime/background-loop.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { Kubernetes } from './connect-kubernetes.ts';
import {
  believesInItself,
  freeAtMs,
  heldSpec,
  leaseTimes,
  nextLeaseStep,
  noteLease,
  releasedSpec,
  type SeenLease,
} from './leadership.ts';
import { type Lease, readLease, replaceLease } from './lease.ts';

/** One candidate's part in the election. */
export interface LeaderElection {
  /** Whether this process leads, by its own clock: false as soon as another one might. Costs nothing. */
  isLeading(): boolean;
  /** Who holds the Lease, as last seen; undefined when nobody does or it was not read yet. */
  holder(): string | undefined;
  /** Why the Lease could not be read or written the last time. */
  problem(): string | undefined;
  /** Ends the candidacy; a leader gives the Lease up, so that the next one leads at once. */
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
export function startLeaderElection(options: ElectionOptions): LeaderElection {
  const { kubernetes, identity, clock } = options;
  const log = options.log.child({ component: 'leader-election', lease: options.lease.name });
  let ended = false;
  let seen: SeenLease | undefined;
  let held: Lease | undefined;
  let renewedAtMs: number | undefined;
  let problem: string | undefined = `Lease ${options.lease.name} has not been read yet`;
  let writes = 0;

  const isLeading = (): boolean => believesInItself(renewedAtMs, clock.monotonicMs());
  const lose = (why: string): void => {
    if (ended) return;
    ended = true;
    void loop.stop();
    renewedAtMs = undefined;
    log.error({ why }, 'leadership lost');
    options.onLost(why);
  };

  const take = async (lease: Lease, signal: AbortSignal): Promise<void> => {
    writes += 1;
    const sentAtMs = clock.monotonicMs();
    const spec = heldSpec(lease.spec ?? {}, identity, { nowMs: clock.now(), count: writes });
    held = await replaceLease(kubernetes, { ...lease, spec }, signal);
    seen = noteLease(seen, held.spec ?? {}, clock.monotonicMs());
    // An answer that came too late to act on: the next attempt finds its own name.
    if (ended || !believesInItself(sentAtMs, clock.monotonicMs())) return;
    const begins = renewedAtMs === undefined;
    renewedAtMs = sentAtMs;
    if (!begins) return;
    log.info('leading');
    options.onLead();
  };
  const attempt = async (signal: AbortSignal): Promise<void> => {
    const lease = await readLease(kubernetes, options.lease, signal);
    const nowMs = clock.monotonicMs();
    const before = seen?.spec.holderIdentity;
    seen = noteLease(seen, lease.spec ?? {}, nowMs);
    const step = nextLeaseStep({ identity, seen, renewedAtMs }, nowMs);
    const holder = seen.spec.holderIdentity;
    if (step === 'lost') lose(`the Lease is held by ${holder || 'nobody'}`);
    else if (step !== 'wait') await take(lease, signal);
    else if (holder !== before) log.info({ holder }, 'standing by');
  };
  const restMs = (isDone: boolean): number => {
    if (renewedAtMs !== undefined) {
      return isDone ? renewedAtMs + leaseTimes.renewEveryMs - clock.monotonicMs() : leaseTimes.leaderRetryMs;
    }
    const untilFreeMs = seen === undefined ? 0 : freeAtMs(seen) - clock.monotonicMs();
    return untilFreeMs > 0 ? Math.min(leaseTimes.retryEveryMs, untilFreeMs) : leaseTimes.retryEveryMs;
  };
  const loop = startBackgroundLoop({
    name: 'leader election',
    async run() {
      try {
        // Not cut short by a stop: whoever does not know what it has written last could not give the Lease up.
        await inTime(attempt, clock);
        problem = undefined;
        return restMs(true);
      } catch (err) {
        problem = isRace(err) ? undefined : String(err instanceof Error ? err.message : err);
        if (problem === undefined) return restMs(false);
        throw err;
      }
    },
    backoff: () => restMs(false),
    log,
    clock,
  });
  const stopWatchdog = clock.every(watchdogMs, () => {
    if (renewedAtMs !== undefined && !isLeading()) lose(problem ?? 'it was not renewed in time');
  });

  const release = async (lease: Lease): Promise<void> => {
    const given = { ...lease, spec: releasedSpec(lease.spec ?? {}) };
    await inTime((signal) => replaceLease(kubernetes, given, signal), clock).then(
      () => log.info('gave the Lease up'),
      (err: unknown) => log.debug({ err }, 'the Lease was not given up; it ends by itself'),
    );
  };

  return {
    isLeading,
    holder: () => seen?.spec.holderIdentity || undefined,
    problem: () => problem,
    stop: async () => {
      stopWatchdog();
      ended = true;
      await loop.stop();
      renewedAtMs = undefined;
      if (held !== undefined) await release(held);
    },
  };
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
