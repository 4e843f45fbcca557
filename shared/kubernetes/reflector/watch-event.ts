import { readStatus } from '#shared/kubernetes/requests/kubernetes-call.ts';
import { isKubernetesObject, type KubernetesObject } from '#shared/kubernetes/requests/kubernetes-object.ts';

/** One line of a watch. `expired`: the server cannot go on from here (410, or a line that cannot be trusted). */
export type WatchEvent =
  | { type: 'set' | 'delete'; object: KubernetesObject; resourceVersion: string }
  /** `endsList`: what came before it on a watch that began with a list is the whole list, at its resourceVersion. */
  | { type: 'bookmark'; resourceVersion: string; endsList?: true }
  | { type: 'expired'; reason: string };

/**
 * Reads one line. A line that is no event says that something was lost, so the reader has to list again, as it does
 * for an ERROR event of any kind (a 410 is one of them). The reason never quotes the line: it may hold a Secret.
 */
export function parseWatchEvent(line: string): WatchEvent {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    return { type: 'expired', reason: 'a line is not JSON' };
  }
  if (typeof event !== 'object' || event === null || !('type' in event) || !('object' in event)) {
    return { type: 'expired', reason: 'a line is not a watch event' };
  }
  const { type, object } = event;
  if (type === 'ERROR')
    return { type: 'expired', reason: `ERROR event ${readStatus(object).code ?? ''}`.trim() };
  const resourceVersion = resourceVersionOf(object);
  if (resourceVersion === undefined) return { type: 'expired', reason: 'an event has no resourceVersion' };
  if (type === 'BOOKMARK') {
    return { type: 'bookmark', resourceVersion, ...(isEndOfList(object) ? { endsList: true } : {}) };
  }
  if (!isKubernetesObject(object)) return { type: 'expired', reason: 'an event has no object' };
  if (type === 'ADDED' || type === 'MODIFIED') return { type: 'set', object, resourceVersion };
  if (type === 'DELETED') return { type: 'delete', object, resourceVersion };
  return { type: 'expired', reason: 'an event has an unknown type' };
}

function isEndOfList(bookmark: unknown): boolean {
  const { metadata } = bookmark as { metadata: { annotations?: Record<string, unknown> | null } };
  return metadata.annotations?.['k8s.io/initial-events-end'] === 'true';
}

/** A bookmark's object holds nothing but a resourceVersion, and whether it ends a list. */
export function resourceVersionOf(object: unknown): string | undefined {
  if (typeof object !== 'object' || object === null || !('metadata' in object)) return undefined;
  const { metadata } = object;
  if (typeof metadata !== 'object' || metadata === null || !('resourceVersion' in metadata)) return undefined;
  return typeof metadata.resourceVersion === 'string' ? metadata.resourceVersion : undefined;
}
