import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { type KubernetesCall, refusedError } from '#shared/kubernetes/requests/kubernetes-call.ts';
import type { KubernetesObject } from '#shared/kubernetes/requests/kubernetes-object.ts';

/** An API server in memory, which a test fills and asks. */
export interface ObjectServer {
  kubernetes: Kubernetes;
  /** By path. */
  objects: Map<string, KubernetesObject>;
  /** The name of each object written, in order. */
  written: string[];
}

/** Stores objects; `answer` may throw, or answer a call in its place. Lists are empty unless it does. */
export function createObjectServer(answer: (call: KubernetesCall) => unknown): ObjectServer {
  const objects = new Map<string, KubernetesObject>();
  const written: string[] = [];
  const json = async (call: KubernetesCall): Promise<unknown> => {
    const { verb, path, body } = call;
    const given = answer(call);
    if (given !== undefined) return given;
    if (verb === 'list') return { metadata: { resourceVersion: '1' }, items: [] };
    if (verb === 'get') {
      const found = objects.get(path);
      if (found === undefined) throw refusedError(call, { statusCode: 404 });
      return found;
    }
    const object = body as KubernetesObject;
    const { name } = object.metadata;
    const key = verb === 'create' ? `${path}/${name}` : path;
    objects.set(key, {
      ...object,
      metadata: { ...object.metadata, resourceVersion: `${written.length + 2}` },
    });
    written.push(name);
    return objects.get(key);
  };
  return { kubernetes: { json } as Kubernetes, objects, written };
}
