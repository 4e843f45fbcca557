import type { Kubernetes } from './connect-kubernetes.ts';
import { refusedError } from './kubernetes-call.ts';
import { isKubernetesObject, type KubernetesObject } from './kubernetes-object.ts';
import { resourceVersionOf } from './watch-event.ts';

/** Objects of one page: bounds the memory that a list of 10,000 Secrets takes. */
const pageSize = 500;

/**
 * Lists a collection as it is now (no resourceVersion: a quorum read), page by page, and returns the resourceVersion
 * from which a watch goes on. Uses (list, the path's resource). Throws the call's error; with statusCode 410 when the
 * list grew too old between two pages: the caller begins again.
 */
export async function listPages(
  kubernetes: Kubernetes,
  target: { path: string; query: Readonly<Record<string, string>> },
  onObject: (object: KubernetesObject) => void,
  signal: AbortSignal,
): Promise<string> {
  let continueToken: string | undefined;
  for (;;) {
    const call = {
      verb: 'list',
      path: target.path,
      query: {
        ...target.query,
        limit: String(pageSize),
        ...(continueToken === undefined ? {} : { continue: continueToken }),
      },
    } as const;
    const page = readPage(await kubernetes.json(call, signal));
    if (page === undefined)
      throw refusedError(call, { statusCode: 0 }, new Error('the answer is not a list'));
    for (const object of page.items) if (isKubernetesObject(object)) onObject(object);
    if (page.continueToken === undefined) return page.resourceVersion;
    continueToken = page.continueToken;
  }
}

function readPage(
  answer: unknown,
): { items: unknown[]; resourceVersion: string; continueToken: string | undefined } | undefined {
  const resourceVersion = resourceVersionOf(answer);
  if (resourceVersion === undefined) return undefined;
  const { items, metadata } = answer as { items?: unknown; metadata: { continue?: unknown } };
  const continueToken =
    typeof metadata.continue === 'string' && metadata.continue !== '' ? metadata.continue : undefined;
  // Go writes an empty list as null.
  if (items === null) return { items: [], resourceVersion, continueToken };
  return Array.isArray(items) ? { items, resourceVersion, continueToken } : undefined;
}
