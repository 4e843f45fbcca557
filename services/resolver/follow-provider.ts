import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { RecordChange } from '#shared/bus/read/staging.ts';
import { GoneKeys } from '#shared/bus/records/gone-keys.ts';
import type { InventoryEntry } from '#shared/contracts/inventory/inventory-entry.ts';
import { startBackgroundLoop } from '#shared/runtime/background-loop.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createSliceMeter } from '#shared/runtime/turn-queue.ts';
import { type LeftOut, ListCollector } from './list-collector.ts';
import { listingError, unfinishedList } from './listing-error.ts';
import { providerBackoffMs } from './provider-backoff.ts';
import { createProviderMetrics } from './provider-metrics.ts';
import type { PolledProvider } from './providers/open-provider.ts';
import type { ListedSecret, Provider } from './providers/provider.ts';

/** Bounds one listing, unless the next is due later still: one that takes longer hangs, or has no end. */
const leastTimeoutMs = 300_000;

interface FollowOptions {
  source: string;
  /** Most that a list may be charged. */
  mostBytes: number;
  log: Logger;
  clock: Clock;
  onList(changes: RecordChange[]): void | Promise<void>;
}

/** Follows what a provider has. */
interface ProviderInventory {
  /**
   * Says by how much the next complete list is late, ms; Infinity before the first. Within the configured interval nothing
   * is late: the list is as fresh as the operator wants it.
   */
  overdueMs(): number;
  stop(): Promise<void>;
}

/**
 * Lists the secrets of a provider repeatedly, and hands over what has changed, in the form of discovery's records. A list
 * that is not complete is discarded: the last complete one stays.
 * @param options.onList called after each complete list, with what is new, changed or (value undefined) gone
 */
export function followProvider(
  { provider, refreshMs }: PolledProvider,
  options: FollowOptions,
): ProviderInventory {
  const { source, mostBytes, clock, onList } = options;
  const startedAtMs = clock.monotonicMs();
  const timeoutMs = Math.max(leastTimeoutMs, refreshMs);
  let known: ReadonlyMap<string, ListedSecret> | undefined;
  const gone = new GoneKeys(clock);
  let listedAtMs = -Infinity;
  let failures = 0;
  let leftOut: LeftOut = { count: 0, names: [] };
  const log = options.log.child({ component: 'provider-inventory' });
  const count = createProviderMetrics(source, () => ({
    ageMs: clock.monotonicMs() - Math.max(listedAtMs, startedAtMs),
    secrets: known?.size ?? 0,
    failures,
    leftOut: leftOut.count,
  }));
  /** Names what is left out when it is other than before. */
  const tellLeftOut = (now: LeftOut): void => {
    const isNew = JSON.stringify(now) !== JSON.stringify(leftOut);
    leftOut = now;
    if (isNew && now.count > 0) log.warn({ source, ...now }, "secrets left out of the provider's list");
  };

  const list = async (stopped: AbortSignal): Promise<void> => {
    const beganAtMs = clock.monotonicMs();
    const timeout = startTimeout(clock, timeoutMs);
    const signal = AbortSignal.any([stopped, timeout.signal]);
    const collector = new ListCollector({ signal, source, former: known, mostBytes, gone: gone.keys() });
    try {
      await collect(provider, collector);
      collector.holdBackGone();
    } catch (cause) {
      throw timeout.signal.aborted && !stopped.aborted
        ? unfinishedList(source, timeoutMs, collector.progress())
        : cause;
    } finally {
      timeout.stop();
    }
    const { listed, leftOut: left } = collector.collected();
    tellLeftOut(left);
    await onList(changesBetween(source, known ?? new Map(), listed));
    noteGone(gone, known ?? new Map(), listed);
    known = listed;
    listedAtMs = beganAtMs;
  };
  const loop = startBackgroundLoop({
    name: 'provider listing',
    run: async ({ signal }) => {
      try {
        await list(signal);
      } catch (cause) {
        if (!signal.aborted) count('failed');
        throw listingError(source, cause);
      }
      failures = 0;
      count('complete');
      return refreshMs;
    },
    backoff: (_err, inRow) => {
      failures = inRow;
      return providerBackoffMs(inRow);
    },
    log,
    clock,
  });
  return {
    overdueMs: () => Math.max(0, clock.monotonicMs() - listedAtMs - refreshMs),
    stop: loop.stop,
  };
}

function startTimeout(clock: Clock, timeoutMs: number): { signal: AbortSignal; stop: () => void } {
  const [timeout, stopped] = [new AbortController(), new AbortController()];
  void clock.sleep(timeoutMs, stopped.signal).then(() => timeout.abort());
  return { signal: timeout.signal, stop: () => stopped.abort() };
}

/** Collects a whole list; does not wait for a provider that ignores the signal. */
async function collect(provider: Provider, collector: ListCollector): Promise<void> {
  const { signal } = collector;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  const listing = async (): Promise<void> => {
    const isFull = createSliceMeter();
    for await (const found of provider.listSecrets(collector)) {
      // A page of many thousands arrives as one.
      if (isFull(found.secret.length)) await nextTurn();
      signal.throwIfAborted();
      collector.take(found);
    }
  };
  try {
    await Promise.race([listing(), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Notes which names one list lacks in the place of that before, and forgets those that are back. */
function noteGone(
  gone: GoneKeys,
  before: ReadonlyMap<string, ListedSecret>,
  now: ReadonlyMap<string, ListedSecret>,
): void {
  for (const secret of now.keys()) gone.forget(secret);
  for (const secret of before.keys()) if (!now.has(secret)) gone.note(secret);
}

/** Computes what has changed between two lists. */
function changesBetween(
  source: string,
  before: ReadonlyMap<string, ListedSecret>,
  now: ReadonlyMap<string, ListedSecret>,
): RecordChange[] {
  const change = (secret: string, value: InventoryEntry | undefined): RecordChange => ({
    key: { owner: source, kind: 'entry', namespace: undefined, secret },
    value,
  });
  const gone = [...before.keys()].filter((secret) => !now.has(secret));
  const changed = [...now.values()].filter(
    ({ secret, keys }) => before.get(secret)?.keys.join('\n') !== keys.join('\n'),
  );
  return [
    ...gone.map((secret) => change(secret, undefined)),
    ...changed.map(({ secret, keys }) => change(secret, { schema: 1, source, secret, keys, version: '' })),
  ];
}
