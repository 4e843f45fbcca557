import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { answerTooLarge, answerUnreadable } from '#shared/kubernetes/requests/answer-too-large.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { refusedError } from '#shared/kubernetes/requests/kubernetes-call.ts';
import { isKubernetesObject, type KubernetesObject } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { resourceVersionOf } from './watch-event.ts';

/** Objects of the first page: 20 of the usual size cost nothing, and 20 of the largest are cut once or twice. */
const firstPageSize = 20;
const largestPageSize = 500;

/**
 * Lists a collection as it is now (no resourceVersion: a quorum read), page by page, and returns the resourceVersion
 * from which a watch goes on. Pages double until one is larger than an answer may be: it is asked for again by halves,
 * and pages stay as small. Uses (list, the path's resource). Throws the call's error; with statusCode 410 when the
 * list grew too old between two pages: the caller begins again.
 */
export async function listPages(
  kubernetes: Kubernetes,
  target: { path: string; query: Readonly<Record<string, string>> },
  onObject: (object: KubernetesObject) => void,
  signal: AbortSignal,
): Promise<string> {
  let position: Readonly<Record<string, string>> = {};
  let size = firstPageSize;
  let grows = true;
  for (;;) {
    const query = { ...target.query, ...position, limit: String(size) };
    const page = await readPage(kubernetes, { path: target.path, query }, signal).catch((err: unknown) => {
      if (size === 1 || !(err instanceof LatchkeyError) || err.fields.reason !== answerTooLarge) throw err;
      return undefined;
    });
    if (page === undefined) {
      size = Math.ceil(size / 2);
      grows = false;
      continue;
    }
    for (const object of page.items) if (isKubernetesObject(object)) onObject(object);
    if (page.continueToken === undefined) return page.resourceVersion;
    position = { continue: page.continueToken };
    if (grows) size = Math.min(size * 2, largestPageSize);
  }
}

interface Page {
  items: unknown[];
  resourceVersion: string;
  continueToken: string | undefined;
}

async function readPage(
  kubernetes: Kubernetes,
  target: { path: string; query: Readonly<Record<string, string>> },
  signal: AbortSignal,
): Promise<Page> {
  const call = { verb: 'list', ...target } as const;
  const page = parsePage(await kubernetes.json(call, signal));
  if (page === undefined) throw refusedError(call, { statusCode: 0, reason: answerUnreadable });
  return page;
}

function parsePage(answer: unknown): Page | undefined {
  const resourceVersion = resourceVersionOf(answer);
  if (resourceVersion === undefined) return undefined;
  const { items, metadata } = answer as { items?: unknown; metadata: { continue?: unknown } };
  const continueToken =
    typeof metadata.continue === 'string' && metadata.continue !== '' ? metadata.continue : undefined;
  // Go writes an empty list as null.
  if (items === null) return { items: [], resourceVersion, continueToken };
  return Array.isArray(items) ? { items, resourceVersion, continueToken } : undefined;
}
