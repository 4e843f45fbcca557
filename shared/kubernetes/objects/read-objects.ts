import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { checkShape } from '#shared/contracts/shapes/check-shape.ts';
import { listPages } from '#shared/kubernetes/reflector/list-pages.ts';
import { answerUnreadable } from '#shared/kubernetes/requests/answer-too-large.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { type KubernetesCall, refusedError } from '#shared/kubernetes/requests/kubernetes-call.ts';
import type { KubernetesObject } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { resourcePath } from '#shared/kubernetes/requests/resource-path.ts';
import { objectShape } from './object-shape.ts';

type Target = Parameters<typeof resourcePath>[0];

/**
 * Reads one object; undefined when there is none. Uses (get, the target's resource).
 * @throws KUBERNETES_REFUSED also when the answer is no such object
 */
export async function readObject<T extends KubernetesObject>(
  kubernetes: Kubernetes,
  target: Target & { name: string },
): Promise<T | undefined> {
  const call = { verb: 'get', path: resourcePath(target) } as const;
  try {
    const answer = await kubernetes.json(call);
    requireReadable(call, target, answer);
    return answer as T;
  } catch (err) {
    if (err instanceof LatchkeyError && err.code === 'KUBERNETES_NOT_FOUND') return undefined;
    throw err;
  }
}

/**
 * Lists a collection once, whole. Uses (list, the target's resource).
 * @throws KUBERNETES_REFUSED also when one of its objects is none of the resource's
 */
export async function listObjects<T extends KubernetesObject>(
  kubernetes: Kubernetes,
  target: Target,
  labelSelector: string,
): Promise<T[]> {
  const objects: KubernetesObject[] = [];
  const collection = { path: resourcePath(target), query: { labelSelector } };
  await listPages(kubernetes, collection, (object) => objects.push(object), new AbortController().signal);
  for (const object of objects) requireReadable({ verb: 'list', ...collection }, target, object);
  return objects as T[];
}

function requireReadable(call: KubernetesCall, { resource }: Target, answer: unknown): void {
  if (checkShape(objectShape(resource), answer).success) return;
  throw refusedError(call, { statusCode: 0, reason: answerUnreadable });
}
