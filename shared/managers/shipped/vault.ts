import type { Edit, When } from '#shared/contracts/rules/rule-recipe.ts';
import {
  guardVaultAnnotations,
  vaultEveryKey,
  volumePathAnnotation,
} from '#shared/core/rules/recipe/vault-annotations.ts';
import { literal } from '#shared/core/rules/template/template.ts';
import { fileEnvEdits, secretsDir } from './flyte-edits.ts';
import { providerManager } from './provider-manager.ts';

/** Vault takes a path with and without a slash in front. */
const secret = '${group|trimStart:/}';
const path = `${secret}/\${key}`;

/** Where the key-value engines keep a secret's fields. */
const queries = { '1': '.Data', '2': '.Data.data' };

/**
 * HashiCorp Vault through its agent injector, a webhook of its own that reads these annotations: group is the path in
 * Vault, key the field, group_version the engine. Names as Flyte's webhook writes them (flytepropeller/pkg/webhook/
 * vault_secret_manager.go, utils.go, test/golden); the id is a hash, so that a second pass changes nothing.
 */
export const vaultManager = providerManager('vault', ({ vault }) => {
  const dir = literal(vault.annotations[volumePathAnnotation] ?? secretsDir);
  const annotations = {
    'vault.hashicorp.com/agent-inject': 'true',
    [volumePathAnnotation]: secretsDir,
    'vault.hashicorp.com/role': vault.role,
    'vault.hashicorp.com/agent-pre-populate-only': 'true',
    ...vault.annotations,
  };
  const engines = ['kv1', 'kv2', 'db'];
  const engine = (names: string[]): When => ({ field: 'groupVersion', oneOf: names });
  const configured = queries[vault.kvVersion];
  const file: Edit[] = [
    ...fileEnvEdits(`${dir}/${path}`),
    annotation('agent-inject-secret-${id}', secret),
    annotation('agent-inject-file-${id}', path),
    ...templateEdits(`${dir}/${path}`, queries['1'], engine(['kv1'])),
    ...templateEdits(`${dir}/${path}`, queries['2'], engine(['kv2'])),
    // The database engine's answer is written whole, by the agent's own template.
    { file: { path: `${dir}/${path}`, source: 'db' }, when: engine(['db']) },
    ...templateEdits(`${dir}/${path}`, configured, {
      field: 'groupVersion',
      noneOf: engines,
    }),
    ...Object.entries(annotations).map(([name, value]) => ({
      annotation: { name, value: literal(value) },
    })),
  ];
  return {
    schema: 1,
    manager: 'vault',
    description: 'Vault secret "${group}" with field "${key}"',
    scope: 'cluster',
    inventory: vault.inventory,
    fields: {
      // Else an open Vault before AWS in the chain would take its secrets.
      group: {
        required: true,
        format: 'path',
        alsoHolds: '+:=@',
        leadingSlash: true,
        forbiddenPrefixes: ['arn:'],
      },
      groupVersion: { honoured: engines },
      key: { required: true, format: 'path-segment' },
      envVar: { format: 'env-name' },
    },
    mounts: { accepts: ['file'], any: 'file' },
    lookup: [path],
    spelling: 'vault-path',
    everyKey: vaultEveryKey(file),
    // Vault lists paths; which fields there are, only a reader of the values sees.
    inventoryKey: secret,
    edits: {
      env: [],
      file: guardVaultAnnotations(file),
    },
  };
});

function annotation(name: string, value: string): Edit {
  return { annotation: { name: `vault.hashicorp.com/${name}`, value } };
}

/** The agent's template of one field. `goField` indexes a name that is no Go identifier, which Flyte does not. */
function templateEdits(file: string, query: string, when: When): Edit[] {
  const template = `{{- with secret "${secret}" -}}{{ \${key|goField:${query}} }}{{- end -}}`;
  return [
    { ...annotation('agent-inject-template-${id}', template), when },
    { file: { path: file, source: query }, when },
  ];
}
