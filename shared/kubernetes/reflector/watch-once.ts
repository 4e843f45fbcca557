import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { mostAnswerBytes } from '#shared/kubernetes/requests/answer-too-large.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { refusedError } from '#shared/kubernetes/requests/kubernetes-call.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createLineSplitter } from './line-splitter.ts';
import { parseWatchEvent, type WatchEvent } from './watch-event.ts';

/** How long the server keeps a watch: different each time, so that watches do not end together. `random` in [0, 1). */
export const watchTimeoutSeconds = (random: number): number => 240 + Math.floor(random * 61);

/** The reason of a watch on which nothing came, in the field `reason` of its error. */
export const stalled = 'Stalled';

/** Silence in the middle of a list that is sent as a stream; it is sent without a pause. */
const listIdleTimeoutMs = 30_000;

/**
 * One watch request until it ends: from a resourceVersion, or, when that is undefined, from nothing: then the API server
 * first sends all objects there are, and a bookmark that ends this list. Uses (watch, the path's resource). Calls `onOpen` when the
 * server accepts it and hands every complete line to `onEvent`; returns when the server ends the stream in order. A
 * torn last line is dropped: its event comes again, because the position is that of the last complete one. Throws the
 * call's error when the request is refused, the connection breaks, or nothing at all (no event, no bookmark) arrived
 * for `idleTimeoutMs`: an open socket to a server that has stopped looks just like a quiet one.
 */
export async function watchOnce(options: {
  kubernetes: Kubernetes;
  path: string;
  query: Readonly<Record<string, string>>;
  resourceVersion: string | undefined;
  timeoutSeconds: number;
  idleTimeoutMs: number;
  onOpen: () => void;
  onEvent: (event: WatchEvent) => void;
  clock: Clock;
  signal: AbortSignal;
}): Promise<void> {
  const { resourceVersion, timeoutSeconds } = options;
  const call = {
    verb: 'watch',
    path: options.path,
    query: {
      ...options.query,
      watch: '1',
      allowWatchBookmarks: 'true',
      // Without a resourceVersion the list is as new as a quorum read.
      ...(resourceVersion === undefined
        ? { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }
        : { resourceVersion }),
      timeoutSeconds: String(timeoutSeconds),
    },
  } as const;
  const silence = new AbortController();
  const watchdogOf = (idleTimeoutMs: number) =>
    createWatchdog(options.clock, idleTimeoutMs, () => silence.abort());
  const idleTimeoutMs =
    resourceVersion === undefined
      ? Math.min(listIdleTimeoutMs, options.idleTimeoutMs)
      : options.idleTimeoutMs;
  let watchdog = watchdogOf(idleTimeoutMs);
  try {
    const response = await options.kubernetes.stream(call, AbortSignal.any([options.signal, silence.signal]));
    options.onOpen();
    const splitter = createLineSplitter(mostAnswerBytes);
    for await (const chunk of response) {
      watchdog.heard();
      for (const line of splitter.push(chunk)) {
        const event = parseWatchEvent(line);
        options.onEvent(event);
        if (event.type !== 'bookmark' || event.endsList === undefined) continue;
        watchdog.stop();
        watchdog = watchdogOf(options.idleTimeoutMs);
      }
    }
  } catch (err) {
    if (silence.signal.aborted) {
      throw refusedError(call, { statusCode: 0, reason: stalled }, new Error('nothing arrived in time'));
    }
    throw err instanceof LatchkeyError ? err : refusedError(call, { statusCode: 0 }, err);
  } finally {
    watchdog.stop();
  }
}

/** Counts silent ticks instead of comparing times, so that a jump of the clock neither fires nor delays it. */
function createWatchdog(clock: Clock, idleTimeoutMs: number, onStall: () => void) {
  let silentTicks = 0;
  const stop = clock.every(idleTimeoutMs / 2, () => {
    silentTicks += 1;
    // The first tick may follow closely on something heard: only the third one proves two silent halves.
    if (silentTicks === 3) onStall();
  });
  const heard = (): void => {
    silentTicks = 0;
  };
  return { heard, stop };
}
