import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';

/** Says what discovery has to do under a configuration. */
export interface SourcePlan {
  /** Tells whether the Secrets of the selected namespaces are listed. */
  listsSecrets: boolean;
  /** Says how global secrets are delivered; undefined when the chain has none. */
  globals: LatchkeyConfig['global']['delivery'] | undefined;
  /**
   * Names the namespaces that are selected by name, or `watched`: by label, or because copies are written and it must be known
   * which of the named ones exist; undefined where nothing depends on them.
   */
  namespaces: readonly string[] | 'watched' | undefined;
}

export function planSources({ chain, k8s, global }: LatchkeyConfig): SourcePlan {
  const listsSecrets = chain.includes('k8s') && k8s.inventory === 'closed';
  const globals = chain.includes('global') ? global.delivery : undefined;
  const copiesGlobals = globals === 'reference';
  const named = 'names' in k8s.namespaces && !copiesGlobals ? k8s.namespaces.names : 'watched';
  return { listsSecrets, globals, namespaces: listsSecrets || copiesGlobals ? named : undefined };
}
