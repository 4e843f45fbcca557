import type { Edit } from '#shared/contracts/rules/rule-recipe.ts';

export const volumePathAnnotation = 'vault.hashicorp.com/secret-volume-path';
const secretAnnotation = 'vault.hashicorp.com/agent-inject-secret-${id}';

/**
 * With these the injector passes the pod over, serves some containers only, or the agent reads a configuration or writes
 * to a folder of the pod's own (vault-k8s agent-inject/agent/annotations.go).
 */
const forbidden: readonly string[] = [
  'vault.hashicorp.com/agent-inject-status',
  'vault.hashicorp.com/agent-inject-containers',
  'vault.hashicorp.com/agent-configmap',
  `${volumePathAnnotation}-\${id}`,
];

/** Without these values the agent writes no files, or writes them elsewhere or otherwise. */
const fixed: ReadonlySet<string> = new Set([
  'vault.hashicorp.com/agent-inject',
  volumePathAnnotation,
  secretAnnotation,
  'vault.hashicorp.com/agent-inject-file-${id}',
  'vault.hashicorp.com/agent-inject-template-${id}',
  ...forbidden,
]);

/** Adds to the edits of Vault's recipe which annotations a pod cannot have its own way; what they say themselves stays. */
export function guardVaultAnnotations(edits: readonly Edit[]): Edit[] {
  const written = new Set(edits.flatMap((edit) => ('annotation' in edit ? [edit.annotation.name] : [])));
  const forbids = forbidden.filter((name) => !written.has(name));
  return edits.map((edit) => {
    if (!('annotation' in edit) || !fixed.has(edit.annotation.name)) return edit;
    const { name, value, ...said } = edit.annotation;
    const guard = { fixed: true, ...(name === secretAnnotation ? { forbids } : {}) };
    return { ...edit, annotation: { name, value, ...guard, ...said } };
  });
}
