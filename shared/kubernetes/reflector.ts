import type { Logger } from 'pino';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { type BackgroundRun, startBackgroundLoop } from '#shared/runtime/background-loop.ts';
import { backoffMs, kubernetesBackoff } from '#shared/runtime/backoff.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { Kubernetes } from './connect-kubernetes.ts';
import { type Change, createHeldObjects, type Listing, type Project } from './held-objects.ts';
import { listPages } from './list-pages.ts';
import { createReflectorMetrics } from './reflector-metrics.ts';
import { parseResourcePath } from './resource-path.ts';
import { createStreamedList, isNoStream, noEndOfList } from './streamed-list.ts';
import type { WatchEvent } from './watch-event.ts';
import { watchOnce, watchTimeoutSeconds } from './watch-session.ts';

export interface ReflectorOptions<T> {
  kubernetes: Kubernetes;
  /** A collection, as `resourcePath` builds it. */
  path: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Called once for every version of every object; the object itself is not kept. */
  project: Project<T>;
  /** After each complete list, when its changes have been delivered. */
  onSync?: (listed: { items: ReadonlyMap<string, T>; resourceVersion: string }) => void | Promise<void>;
  /** After this long the collection is listed anew when a watch ends, which it does every few minutes; default: never. */
  relistMs?: number;
  /** Each change, in order. Not waited for; what it throws or rejects with is logged and counted. */
  onChange: (change: Change<T>) => void | Promise<void>;
  /** Silence on an open watch that means it is dead; the API server sends a bookmark about once a minute. */
  idleTimeoutMs?: number;
  log: Logger;
  clock: Clock;
}

export interface Reflector<T> {
  /** The projections by key; live. */
  items(): ReadonlyMap<string, T>;
  /** Whether a complete list has been seen. */
  synced(): boolean;
  /** Time since it is known to miss changes (no list yet, or no watch open), ms; 0 while a watch stands. */
  interruptedMs(): number;
  /** Ends it; resolves when nothing is in flight. */
  stop(): Promise<void>;
}

/** Two bookmarks missed, and a little. */
const defaultIdleTimeoutMs = 130_000;

/**
 * Keeps a projection of a collection equal to the API server's, for ever: lists, then watches, goes on from the last
 * event after any failure, and lists again when the server has forgotten it (410) or a line cannot be trusted. A list is
 * sent as a stream, so that one object at a time is in memory; where the server sends none, it comes in pages.
 * It begins at once. Uses (watch, list) of the path's resource, the latter for pages only.
 */
export function createReflector<T>(options: ReflectorOptions<T>): Reflector<T> {
  const { kubernetes, path, clock } = options;
  const { resource } = parseResourcePath(path);
  const log = options.log.child({ resource });
  const metrics = createReflectorMetrics(resource);
  const query = {
    ...(options.labelSelector === undefined ? {} : { labelSelector: options.labelSelector }),
    ...(options.fieldSelector === undefined ? {} : { fieldSelector: options.fieldSelector }),
  };
  const held = createHeldObjects(options.project);
  /** Where the next watch goes on; undefined = a list is due. */
  let position: string | undefined;
  /** Whether the server sends lists as streams, as far as is known. */
  let streams = true;
  let synced = false;
  let listedAtMs = clock.monotonicMs();
  let interruptedAtMs: number | undefined = clock.monotonicMs();

  const handlerFailed = (err: unknown): void => {
    metrics.handlerFailure();
    log.error({ err }, 'a handler of Kubernetes changes failed');
  };
  const call = (handler: () => void | Promise<void>): void => {
    try {
      handler()?.catch(handlerFailed);
    } catch (err) {
      handlerFailed(err);
    }
  };
  const deliver = (changes: Change<T>[]): void => {
    for (const change of changes) call(() => options.onChange(change));
  };

  const onList = (listing: Listing<T>, resourceVersion: string): void => {
    position = resourceVersion;
    listedAtMs = clock.monotonicMs();
    const changes = held.replaceAll(listing, resourceVersion);
    synced = true;
    deliver(changes);
    call(() => options.onSync?.({ items: held.items, resourceVersion }));
    log.info({ objects: listing.size, changes: changes.length }, 'listed');
  };
  const onOpen = ({ recovered }: BackgroundRun): void => {
    recovered();
    interruptedAtMs = undefined;
  };

  const onEvent = (event: WatchEvent): void => {
    if (event.type === 'expired') {
      position = undefined;
      throw new LatchkeyError('KUBERNETES_REFUSED', `cannot go on watching ${path}: ${event.reason}`);
    }
    if (event.type === 'set') deliver(held.set(event.object));
    if (event.type === 'delete') deliver(held.remove(event.object));
    position = event.resourceVersion;
  };

  const watch = (
    current: BackgroundRun,
    from: Pick<Parameters<typeof watchOnce>[0], 'resourceVersion' | 'onOpen' | 'onEvent'>,
  ): Promise<void> =>
    watchOnce({
      kubernetes,
      path,
      query,
      ...from,
      timeoutSeconds: watchTimeoutSeconds(Math.random()),
      idleTimeoutMs: options.idleTimeoutMs ?? defaultIdleTimeoutMs,
      clock,
      signal: current.signal,
    });

  const listInPages = async ({ signal }: BackgroundRun): Promise<void> => {
    const listing: Listing<T> = new Map();
    const collect = (object: Parameters<Project<T>>[0]): void => held.collect(listing, object);
    onList(listing, await listPages(kubernetes, { path, query }, collect, signal));
  };
  /** Lists, and goes on as the watch until it ends; false when the server sends no list so. */
  const listAsStream = async (current: BackgroundRun): Promise<boolean> => {
    const list = createStreamedList(held, path);
    const onListEvent = (event: WatchEvent): void => {
      if (list.isComplete() || event.type === 'expired') {
        onEvent(event);
        return;
      }
      const listing = list.take(event);
      if (listing === undefined) return;
      onOpen(current);
      onList(listing, event.resourceVersion);
    };
    try {
      await watch(current, { resourceVersion: undefined, onOpen: () => undefined, onEvent: onListEvent });
      if (!list.isComplete()) throw noEndOfList(path);
      return true;
    } catch (err) {
      if (list.isComplete() || !isNoStream(err)) throw err;
      log.info({ err }, 'the API server sends no list as a stream; listing in pages from now on');
      return false;
    }
  };

  const follow = async (current: BackgroundRun): Promise<void> => {
    const isDue = clock.monotonicMs() - listedAtMs >= (options.relistMs ?? Number.POSITIVE_INFINITY);
    if (position === undefined || isDue) {
      metrics.list();
      if (streams && (await listAsStream(current))) return;
      streams = false;
      await listInPages(current);
    }
    await watch(current, { resourceVersion: position ?? '', onOpen: () => onOpen(current), onEvent });
  };

  const loop = startBackgroundLoop({
    name: 'watch',
    async run(current) {
      try {
        await follow(current);
        return backoffMs(kubernetesBackoff, 0);
      } catch (err) {
        if (isExpired(err)) position = undefined;
        if (!current.signal.aborted) metrics.interruption();
        throw err;
      } finally {
        interruptedAtMs ??= clock.monotonicMs();
      }
    },
    backoff: (err, failures) => Math.max(backoffMs(kubernetesBackoff, failures - 1), retryAfterMsOf(err)),
    log,
    clock,
  });

  return {
    items: () => held.items,
    synced: () => synced,
    interruptedMs: () =>
      interruptedAtMs === undefined ? 0 : Math.max(0, clock.monotonicMs() - interruptedAtMs),
    stop: loop.stop,
  };
}

const isExpired = (err: unknown): boolean => err instanceof LatchkeyError && err.fields.statusCode === 410;

function retryAfterMsOf(err: unknown): number {
  const retryAfterMs = err instanceof LatchkeyError ? err.fields.retryAfterMs : undefined;
  return typeof retryAfterMs === 'number' ? retryAfterMs : 0;
}
