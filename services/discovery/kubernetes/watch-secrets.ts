import type { Logger } from 'pino';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { createReflector, type ReflectorOptions } from '#shared/kubernetes/reflector/reflector.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { resourcePath } from '#shared/kubernetes/requests/resource-path.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { Source } from '../inventory/source.ts';

/**
 * Watches Secrets where the configuration allows it: one watch per named namespace (a Role each), or one for the whole
 * cluster with a selector (one ClusterRole). Uses (list, watch) of secrets.
 * @param options.onListed called with a namespace's name, or undefined for all, after its first complete list.
 */
export function watchSecrets<T>(options: {
  kubernetes: Kubernetes;
  namespaces: LatchkeyConfig['k8s']['namespaces'];
  labelSelector?: string;
  fieldSelector?: string;
  transform: ReflectorOptions<T>['transform'];
  onChange: ReflectorOptions<T>['onChange'];
  onListed: (namespace: string | undefined, items: ReadonlyMap<string, T>, resourceVersion: string) => void;
  relistMs?: number;
  clock: Clock;
  log: Logger;
}): Source {
  const { kubernetes, namespaces, labelSelector, fieldSelector, transform, onChange, onListed, clock, log } =
    options;
  const scopes = 'names' in namespaces ? namespaces.names : [undefined];
  const reflectors = scopes.map((namespace) =>
    createReflector<T>({
      kubernetes,
      path: resourcePath({ resource: 'secrets', ...(namespace === undefined ? {} : { namespace }) }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      transform,
      onChange,
      onSync: ({ items, resourceVersion }) => onListed(namespace, items, resourceVersion),
      ...(options.relistMs === undefined ? {} : { relistMs: options.relistMs }),
      clock,
      log,
    }),
  );
  return {
    interruptedMs: () => Math.max(0, ...reflectors.map((reflector) => reflector.interruptedMs())),
    stop: async () => {
      await Promise.all(reflectors.map((reflector) => reflector.stop()));
    },
  };
}
