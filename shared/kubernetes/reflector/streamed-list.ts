import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { ListSnapshot, ObjectStore } from './object-store.ts';
import type { WatchEvent } from './watch-event.ts';
import { stalled } from './watch-once.ts';

/** A list that the API server sends as the beginning of a watch, object by object (KEP-3157). */
export interface StreamedList<T> {
  /** Takes an event, and returns the whole list when it was the last one of it. What changes meanwhile is part of it. */
  take(event: Exclude<WatchEvent, { type: 'expired' }>): ListSnapshot<T> | undefined;
  /** Whether the last event of it has come. */
  isComplete(): boolean;
}

/** @throws the error of {@link noEndOfList} from `take` for a bookmark in the middle: the server sends no such list */
export function createStreamedList<T>(store: ObjectStore<T>, path: string): StreamedList<T> {
  const snapshot: ListSnapshot<T> = new Map();
  let isComplete = false;
  return {
    isComplete: () => isComplete,
    take: (event) => {
      if (event.type === 'set') store.collect(snapshot, event.object);
      if (event.type === 'delete') store.discard(snapshot, event.object);
      if (event.type !== 'bookmark') return undefined;
      if (event.endsList === undefined) throw noEndOfList(path);
      isComplete = true;
      return snapshot;
    },
  };
}

const noEnd = 'NoEndOfList';

/** The error of a watch that does not say where the list ends with which it began. */
export const noEndOfList = (path: string): LatchkeyError =>
  new LatchkeyError(
    'KUBERNETES_REFUSED',
    `cannot list ${path} as a stream: the API server does not say where the list ends`,
    { fields: { reason: noEnd } },
  );

/**
 * Whether an API server whose streamed list ended so is to be asked for pages: it does not know such a list (400, 422),
 * ignores that it is one, or never comes to its end.
 */
export function isNoStream(err: unknown): boolean {
  if (!(err instanceof LatchkeyError)) return false;
  const { statusCode, reason } = err.fields;
  return statusCode === 400 || statusCode === 422 || reason === noEnd || reason === stalled;
}
