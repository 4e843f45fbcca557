import type { Logger } from 'pino';
import type { RecordChange } from '#shared/bus/read/staging.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { InventoryEntry } from '#shared/contracts/inventory/inventory-entry.ts';
import { startBackgroundLoop } from '#shared/runtime/background-loop.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { providerBackoffMs } from './provider-backoff.ts';
import { createProviderMetrics } from './provider-metrics.ts';
import type { PolledProvider } from './providers/open-provider.ts';
import type { ListedSecret, Provider } from './providers/provider.ts';

/** Bounds one listing: one that takes longer hangs. */
const listTimeoutMs = 300_000;
const longestReason = 300;
/** Told of what is left out; all of it is counted. */
const mostNamed = 5;
const longestName = 200;

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
 * Lists the secrets of a provider repeatedly, and hands over what has changed since the list before, in the form of
 * discovery's records. A list that is not complete is discarded: the last complete one stays.
 * @param options.onList called after each complete list, with what is new, changed or (value undefined) gone
 */
export function followProvider(
  { provider, refreshMs }: PolledProvider,
  options: { source: string; log: Logger; clock: Clock; onList(changes: RecordChange[]): void },
): ProviderInventory {
  const { source, clock, onList } = options;
  const startedAtMs = clock.monotonicMs();
  let known = new Map<string, ListedSecret>();
  let listedAtMs = -Infinity;
  let failures = 0;
  let leftOut: readonly string[] = [];
  const log = options.log.child({ component: 'provider-inventory' });
  const count = createProviderMetrics(source, () => ({
    ageMs: clock.monotonicMs() - Math.max(listedAtMs, startedAtMs),
    secrets: known.size,
    failures,
    leftOut: leftOut.length,
  }));
  /** Names what is left out when it is other than before. */
  const tellLeftOut = (now: readonly string[]): void => {
    const isNew = JSON.stringify(now) !== JSON.stringify(leftOut);
    leftOut = now;
    if (!isNew || now.length === 0) return;
    log.warn(
      { source, count: now.length, names: now.slice(0, mostNamed) },
      "left out of the provider's list",
    );
  };

  const list = async (stopped: AbortSignal): Promise<void> => {
    const beganAtMs = clock.monotonicMs();
    const signal = AbortSignal.any([stopped, AbortSignal.timeout(listTimeoutMs)]);
    const { listed, leftOut: left } = await collect(provider, signal);
    tellLeftOut(left);
    onList(changesBetween(source, known, listed));
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

interface Collected {
  listed: Map<string, ListedSecret>;
  /** Names and reasons. */
  leftOut: string[];
}

/** Collects the whole list by name; does not wait for a provider that ignores the signal. */
async function collect(provider: Provider, signal: AbortSignal): Promise<Collected> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  const listing = async (): Promise<Collected> => {
    const listed = new Map<string, ListedSecret>();
    const leftOut: string[] = [];
    const leaveOut = (what: string, why: string): void => {
      leftOut.push(`${what.slice(0, longestName)}: ${why.slice(0, longestReason)}`);
    };
    for await (const found of provider.listSecrets(signal, leaveOut)) {
      if (found.secret === '') leaveOut('', 'it has no name');
      else listed.set(found.secret, found);
    }
    return { listed, leftOut };
  };
  try {
    return await Promise.race([listing(), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
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

/** Keeps of an SDK's error only its name and message: the request that it holds has a credential. */
function listingError(source: string, cause: unknown): LatchkeyError {
  if (cause instanceof LatchkeyError) return cause;
  const { name, message } = cause instanceof Error ? cause : new Error(String(cause));
  const inner = cause instanceof Error && cause.cause instanceof Error ? `: ${cause.cause.message}` : '';
  return new LatchkeyError(
    'PROVIDER_UNREACHABLE',
    `listing the secrets of ${source} failed with ${name}: ${`${message}${inner}`.slice(0, longestReason)}`,
  );
}
