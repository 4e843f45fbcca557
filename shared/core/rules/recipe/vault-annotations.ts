import type { Edit, When } from '#shared/contracts/rules/rule-recipe.ts';

export const volumePathAnnotation = 'vault.hashicorp.com/secret-volume-path';
const templateAnnotation = 'vault.hashicorp.com/agent-inject-template-${id}';
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
  templateAnnotation,
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

/** Members of a kv2 engine's answer, which a template for kv1 takes for fields. */
const membersOfKv2 = ['data', 'metadata'];

/**
 * Says when the edits of Vault's recipe write every field of a path, whatever key is asked for: those of the database
 * engine have no template of their own, and to a template for kv1 all that a kv2 engine keeps is the field `data`.
 */
export function vaultEveryKey(edits: readonly Edit[]): (When | When[])[] {
  const ofKv1 = edits.filter(
    (edit) =>
      'annotation' in edit &&
      edit.annotation.name === templateAnnotation &&
      !edit.annotation.value.includes('.Data.data'),
  );
  return [
    { field: 'groupVersion', oneOf: ['db'] },
    ...ofKv1.map(({ when }) => [...[when ?? []].flat(), { field: 'key' as const, oneOf: membersOfKv2 }]),
  ];
}
