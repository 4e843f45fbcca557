import type { Logger } from 'pino';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import type { KubernetesObject } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { parseResourcePath } from '#shared/kubernetes/requests/resource-path.ts';
import {
  type BackgroundLoop,
  type BackgroundRun,
  startBackgroundLoop,
} from '#shared/runtime/background-loop.ts';
import { backoffMs, kubernetesBackoff } from '#shared/runtime/backoff.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { listPages } from './list-pages.ts';
import {
  type Change,
  createObjectStore,
  type ListSnapshot,
  type ObjectStore,
  type Transform,
} from './object-store.ts';
import { createReflectorMetrics } from './reflector-metrics.ts';
import { createStreamedList, isNoStream, noEndOfList } from './streamed-list.ts';
import type { WatchEvent } from './watch-event.ts';
import { watchOnce, watchTimeoutSeconds } from './watch-once.ts';

export interface ReflectorOptions<T> {
  kubernetes: Kubernetes;
  /** A collection, as `resourcePath` builds it. */
  path: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Called once for every version of every object; the object itself is not kept. */
  transform: Transform<T>;
  /** Called after each complete list, when its changes have been delivered. */
  onSync?: (listed: { items: ReadonlyMap<string, T>; resourceVersion: string }) => void | Promise<void>;
  /** Age at which the collection is listed again when a watch ends, which it does every few minutes; default: never. */
  relistMs?: number;
  /** Called with each change, in order. Not waited for; what it throws or rejects with is logged and counted. */
  onChange: (change: Change<T>) => void | Promise<void>;
  /** Silence on an open watch that means it is dead; the API server sends a bookmark about once a minute. */
  idleTimeoutMs?: number;
  log: Logger;
  clock: Clock;
}

export interface Reflector<T> {
  /** Returns the transformed objects by key; live. */
  items(): ReadonlyMap<string, T>;
  /** Returns whether a complete list has been seen. */
  synced(): boolean;
  /** Returns for how long changes have been missed (no list yet, or no watch open), ms; 0 while a watch is open. */
  interruptedMs(): number;
  /** Ends the watch; resolves when nothing is in flight. */
  stop(): Promise<void>;
}

/** Two bookmarks missed, and a little. */
const defaultIdleTimeoutMs = 130_000;

/**
 * Keeps a transformed copy of a collection equal to the API server's, for ever. It lists, then watches, goes on from
 * the last event after any failure, and lists again when the server has forgotten it (410) or a line cannot be trusted.
 * A list is sent as a stream, so that one object at a time is in memory; where the server sends none, it comes in pages.
 * It begins at once. Uses (watch, list) of the path's resource, the latter for pages only.
 */
export const createReflector = <T>(options: ReflectorOptions<T>): Reflector<T> =>
  new WatchedCollection(options);

class WatchedCollection<T> implements Reflector<T> {
  readonly #options: ReflectorOptions<T>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #metrics: ReturnType<typeof createReflectorMetrics>;
  readonly #query: Readonly<Record<string, string>>;
  readonly #store: ObjectStore<T>;
  readonly #loop: BackgroundLoop;
  /** Where the next watch goes on; undefined = a list is due. */
  #resourceVersion: string | undefined;
  /** Whether the server sends lists as streams, as far as is known. */
  #streams = true;
  #synced = false;
  #listedAtMs: number;
  #interruptedAtMs: number | undefined;

  constructor(options: ReflectorOptions<T>) {
    const { path, clock, labelSelector, fieldSelector } = options;
    const { resource } = parseResourcePath(path);
    this.#options = options;
    this.#clock = clock;
    this.#log = options.log.child({ resource });
    this.#metrics = createReflectorMetrics(resource);
    this.#query = {
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
    this.#store = createObjectStore(options.transform);
    this.#listedAtMs = clock.monotonicMs();
    this.#interruptedAtMs = clock.monotonicMs();
    this.#loop = startBackgroundLoop({
      name: 'watch',
      run: (current) => this.#follow(current),
      backoff: (err, failures) => Math.max(backoffMs(kubernetesBackoff, failures - 1), retryAfterMsOf(err)),
      log: this.#log,
      clock,
    });
  }

  items = (): ReadonlyMap<string, T> => this.#store.items;

  synced = (): boolean => this.#synced;

  interruptedMs = (): number =>
    this.#interruptedAtMs === undefined ? 0 : Math.max(0, this.#clock.monotonicMs() - this.#interruptedAtMs);

  stop = (): Promise<void> => this.#loop.stop();

  /** Lists where a list is due, then watches until the watch ends; returns the pause before the next one, ms. */
  async #follow(current: BackgroundRun): Promise<number> {
    try {
      if (!(await this.#list(current))) {
        await this.#watch(current, {
          resourceVersion: this.#resourceVersion ?? '',
          onOpen: () => this.#opened(current),
          onEvent: (event) => this.#take(event),
        });
      }
      return backoffMs(kubernetesBackoff, 0);
    } catch (err) {
      if (isExpired(err)) this.#resourceVersion = undefined;
      if (!current.signal.aborted) this.#metrics.interruption();
      throw err;
    } finally {
      this.#interruptedAtMs ??= this.#clock.monotonicMs();
    }
  }

  /** Lists where that is due; returns whether the list went on as a watch, which has ended. */
  async #list(current: BackgroundRun): Promise<boolean> {
    const { relistMs = Number.POSITIVE_INFINITY, kubernetes, path } = this.#options;
    const isDue = this.#clock.monotonicMs() - this.#listedAtMs >= relistMs;
    if (this.#resourceVersion !== undefined && !isDue) return false;
    this.#metrics.list();
    if (this.#streams && (await this.#listAsStream(current))) return true;
    this.#streams = false;
    const snapshot: ListSnapshot<T> = new Map();
    const collect = (object: KubernetesObject): void => this.#store.collect(snapshot, object);
    const query = { path, query: this.#query };
    this.#replaceAll(snapshot, await listPages(kubernetes, query, collect, current.signal));
    return false;
  }

  /** Lists, and goes on as the watch until it ends; returns false when the server sends no list so. */
  async #listAsStream(current: BackgroundRun): Promise<boolean> {
    const { path } = this.#options;
    const list = createStreamedList(this.#store, path);
    const onEvent = (event: WatchEvent): void => {
      if (list.isComplete() || event.type === 'expired') {
        this.#take(event);
        return;
      }
      const snapshot = list.take(event);
      if (snapshot === undefined) return;
      this.#opened(current);
      this.#replaceAll(snapshot, event.resourceVersion);
    };
    try {
      await this.#watch(current, { resourceVersion: undefined, onOpen: () => undefined, onEvent });
      if (!list.isComplete()) throw noEndOfList(path);
      return true;
    } catch (err) {
      if (list.isComplete() || !isNoStream(err)) throw err;
      this.#log.info({ err }, 'the API server sends no list as a stream; listing in pages from now on');
      return false;
    }
  }

  #watch(
    current: BackgroundRun,
    from: Pick<Parameters<typeof watchOnce>[0], 'resourceVersion' | 'onOpen' | 'onEvent'>,
  ): Promise<void> {
    const { kubernetes, path, idleTimeoutMs = defaultIdleTimeoutMs } = this.#options;
    return watchOnce({
      kubernetes,
      path,
      query: this.#query,
      ...from,
      timeoutSeconds: watchTimeoutSeconds(Math.random()),
      idleTimeoutMs,
      clock: this.#clock,
      signal: current.signal,
    });
  }

  #opened({ recovered }: BackgroundRun): void {
    recovered();
    this.#interruptedAtMs = undefined;
  }

  #take(event: WatchEvent): void {
    if (event.type === 'expired') {
      this.#resourceVersion = undefined;
      const { path } = this.#options;
      throw new LatchkeyError('KUBERNETES_REFUSED', `cannot go on watching ${path}: ${event.reason}`);
    }
    if (event.type === 'set') this.#deliver(this.#store.set(event.object));
    if (event.type === 'delete') this.#deliver(this.#store.remove(event.object));
    this.#resourceVersion = event.resourceVersion;
  }

  #replaceAll(snapshot: ListSnapshot<T>, resourceVersion: string): void {
    this.#resourceVersion = resourceVersion;
    this.#listedAtMs = this.#clock.monotonicMs();
    const changes = this.#store.replaceAll(snapshot, resourceVersion);
    this.#synced = true;
    this.#deliver(changes);
    this.#call(() => this.#options.onSync?.({ items: this.#store.items, resourceVersion }));
    this.#log.info({ objects: snapshot.size, changes: changes.length }, 'collection listed');
  }

  #deliver(changes: readonly Change<T>[]): void {
    for (const change of changes) this.#call(() => this.#options.onChange(change));
  }

  #call(handler: () => void | Promise<void>): void {
    const failed = (err: unknown): void => {
      this.#metrics.handlerFailure();
      this.#log.error({ err }, 'a handler of Kubernetes changes failed');
    };
    try {
      handler()?.catch(failed);
    } catch (err) {
      failed(err);
    }
  }
}

const isExpired = (err: unknown): boolean => err instanceof LatchkeyError && err.fields.statusCode === 410;

function retryAfterMsOf(err: unknown): number {
  const retryAfterMs = err instanceof LatchkeyError ? err.fields.retryAfterMs : undefined;
  return typeof retryAfterMs === 'number' ? retryAfterMs : 0;
}
