import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';

/** Lists the namespaces for which the API server never calls the webhook of an installation in `namespace`. */
export const excludedNamespaces = (
  { excludedNamespaces: more }: Pick<LatchkeyConfig['webhook'], 'excludedNamespaces'>,
  namespace: string,
): string[] => [...new Set(['kube-system', namespace, ...more])];
