import type { Logger } from 'pino';
import type { RecordChange } from '#shared/bus/read/staging.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { InventoryEntry } from '#shared/contracts/inventory-entry.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { afterFailure, beforeAttempt, closedCircuit } from './circuit-breaker.ts';
import { createProviderMetrics } from './provider-metrics.ts';
import type { ListedSecret, Provider } from './providers/provider.ts';
import type { PolledProvider } from './providers/registry.ts';

/** Longest listing: one that takes longer hangs. */
const listTimeoutMs = 300_000;
const longestReason = 300;

interface ProviderInventory {
  /**
   * By how much the next complete list is late, ms; Infinity before the first. Within the interval that is configured
   * nothing is late: the list is as fresh as the operator wants it.
   */
  overdueMs(): number;
  stop(): Promise<void>;
}

/**
 * Asks a provider again and again what exists and hands the difference to the list before over, as facts of discovery
 * would be. A list that is not complete is forgotten: what is known stays.
 * @param options.onList called after each complete list, with what is new, changed or (value undefined) gone
 */
export function followProvider(
  { provider, refreshMs }: PolledProvider,
  options: { source: string; log: Logger; clock: Clock; onList(changes: RecordChange[]): void },
): ProviderInventory {
  const { source, clock, onList } = options;
  const log = options.log.child({ component: 'provider-inventory' });
  const stopping = new AbortController();
  const startedAtMs = clock.monotonicMs();
  let known = new Map<string, ListedSecret>();
  let listedAtMs = -Infinity;
  let circuit = closedCircuit;
  const count = createProviderMetrics(source, () => ({
    ageMs: clock.monotonicMs() - Math.max(listedAtMs, startedAtMs),
    secrets: known.size,
    circuitOpen: circuit.state === 'open',
  }));

  const attempt = async (): Promise<number> => {
    circuit = beforeAttempt(circuit);
    const beganAtMs = clock.monotonicMs();
    try {
      const listed = await collect(
        provider,
        AbortSignal.any([stopping.signal, AbortSignal.timeout(listTimeoutMs)]),
      );
      onList(changesBetween(source, known, listed));
      if (circuit.failures > 0) log.info({ failures: circuit.failures }, 'the provider answers again');
      known = listed;
      listedAtMs = beganAtMs;
      circuit = closedCircuit;
      count('complete');
      return refreshMs;
    } catch (cause) {
      if (stopping.signal.aborted) return 0;
      const failed = afterFailure(circuit);
      circuit = failed.circuit;
      count('failed');
      const { state, failures } = circuit;
      const level = failures === 1 || state === 'open' ? 'warn' : 'debug';
      log[level](
        { err: listingError(source, cause), state, failures, ...failed },
        'what exists is not known anew',
      );
      return failed.pauseMs;
    }
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) await clock.sleep(await attempt(), stopping.signal);
  };
  const running = run();
  return {
    overdueMs: () => Math.max(0, clock.monotonicMs() - listedAtMs - refreshMs),
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

/** The whole list by name; does not wait for a provider that does not heed the signal. */
async function collect(provider: Provider, signal: AbortSignal): Promise<Map<string, ListedSecret>> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  const listing = async (): Promise<Map<string, ListedSecret>> => {
    const listed = new Map<string, ListedSecret>();
    for await (const found of provider.listSecrets(signal)) listed.set(found.secret, found);
    return listed;
  };
  try {
    return await Promise.race([listing(), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

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

/** An SDK's error holds the request, and that a credential: only its name and words are kept. */
function listingError(source: string, cause: unknown): LatchkeyError {
  if (cause instanceof LatchkeyError) return cause;
  const { name, message } = cause instanceof Error ? cause : new Error(String(cause));
  const inner = cause instanceof Error && cause.cause instanceof Error ? `: ${cause.cause.message}` : '';
  return new LatchkeyError(
    'PROVIDER_UNREACHABLE',
    `listing the secrets of ${source} failed with ${name}: ${`${message}${inner}`.slice(0, longestReason)}`,
  );
}
