import type { Logger } from 'pino';
import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts';
import { createReflector } from '#shared/kubernetes/reflector.ts';
import type { Clock } from '#shared/runtime/clock.ts';

/** One named object, kept current by a watch. */
export interface ObjectView<T extends KubernetesObject> {
  /** The object as last seen; undefined when it does not exist. */
  current(): T | undefined;
  /** Whether it is known at all. */
  synced(): boolean;
  stop(): Promise<void>;
}

/**
 * Watches one object by name. Uses (list, watch) of the path's resource; with the field selector the API server
 * authorises both by resourceNames.
 */
export function watchObject<T extends KubernetesObject>(options: {
  kubernetes: Kubernetes;
  path: string;
  name: string;
  onChange: () => void;
  log: Logger;
  clock: Clock;
}): ObjectView<T> {
  const { kubernetes, path, name, onChange, log, clock } = options;
  const reflector = createReflector<T>({
    kubernetes,
    path,
    fieldSelector: `metadata.name=${name}`,
    project: (object) => ({ key: name, value: object as T }),
    onSync: onChange,
    onChange,
    log,
    clock,
  });
  return {
    current: () => reflector.items().get(name),
    synced: reflector.synced,
    stop: reflector.stop,
  };
}
