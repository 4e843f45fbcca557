import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { listPages } from '#shared/kubernetes/reflector/list-pages.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import type { KubernetesObject } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { resourcePath } from '#shared/kubernetes/requests/resource-path.ts';

type Target = Parameters<typeof resourcePath>[0];

/** Reads one object; undefined when there is none. Uses (get, the target's resource). */
export async function readObject<T extends KubernetesObject>(
  kubernetes: Kubernetes,
  target: Target & { name: string },
): Promise<T | undefined> {
  try {
    return (await kubernetes.json({ verb: 'get', path: resourcePath(target) })) as T;
  } catch (err) {
    if (err instanceof LatchkeyError && err.code === 'KUBERNETES_NOT_FOUND') return undefined;
    throw err;
  }
}

/** Lists a collection once, whole. Uses (list, the target's resource). */
export async function listObjects<T extends KubernetesObject>(
  kubernetes: Kubernetes,
  target: Target,
  labelSelector: string,
): Promise<T[]> {
  const objects: KubernetesObject[] = [];
  const collection = { path: resourcePath(target), query: { labelSelector } };
  await listPages(kubernetes, collection, (object) => objects.push(object), new AbortController().signal);
  return objects as T[];
}
