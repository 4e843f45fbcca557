import type { Logger } from 'pino';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { createReflector } from '#shared/kubernetes/reflector/reflector.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { resourcePath } from '#shared/kubernetes/requests/resource-path.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { OnSelect, Source } from '../inventory/source.ts';
import { NamespaceSelection } from './namespace-selection.ts';

type Namespaces = LatchkeyConfig['k8s']['namespaces'];

/** Names the namespaces that are never offered and never written to, whatever is selected. */
export const protectedNamespaces = (ownNamespace: string): ReadonlySet<string> =>
  new Set([ownNamespace, 'kube-system', 'kube-public', 'kube-node-lease']);

/** Makes the label selector of a selection by labels; undefined = every namespace. */
function labelSelectorOf(namespaces: Namespaces): string | undefined {
  if ('names' in namespaces) return undefined;
  const labels = Object.entries(namespaces.selector.matchLabels).map(([label, value]) => `${label}=${value}`);
  return labels.length === 0 ? undefined : labels.join(',');
}

/**
 * Follows which namespaces are selected and exist (a terminating one no longer counts). Uses (list, watch) of
 * namespaces. `onSelect` is called once the set is known, then after each change of it.
 */
export function watchSelectedNamespaces(options: {
  kubernetes: Kubernetes;
  namespaces: Namespaces;
  ownNamespace: string;
  clock: Clock;
  log: Logger;
  onSelect: OnSelect;
}): Source {
  const { kubernetes, namespaces, clock, log } = options;
  const excluded = protectedNamespaces(options.ownNamespace);
  const named = 'names' in namespaces ? new Set(namespaces.names) : undefined;
  const labelSelector = labelSelectorOf(namespaces);
  const selection = new NamespaceSelection(options.onSelect);
  const reflector = createReflector<true>({
    kubernetes,
    path: resourcePath({ resource: 'namespaces' }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    transform: ({ metadata }) => {
      if (excluded.has(metadata.name) || metadata.deletionTimestamp !== undefined) return undefined;
      return named === undefined || named.has(metadata.name)
        ? { key: metadata.name, value: true }
        : undefined;
    },
    onSync: () => selection.listed(),
    onChange: (change) => selection.take(change),
    clock,
    log,
  });
  return { interruptedMs: reflector.interruptedMs, stop: reflector.stop };
}
