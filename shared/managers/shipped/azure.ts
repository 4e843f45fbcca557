import type { PullManagerConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { Edit, When } from '#shared/contracts/rules/rule-recipe.ts';
import { secretsDir } from './flyte-edits.ts';
import { providerManager } from './provider-manager.ts';
import { pullEdits } from './pull-edits.ts';

const uri = '${group|trimEnd:/}';
const name = '${group|trimEnd:/|lastSegment|lower}';

/**
 * Azure Key Vault: group is the URI of the secret, group_version its version, without one the latest. Command, file
 * names and defaults are those of Flyte v2 (flyteorg/flyte main at 6fadb90d65:
 * flyteplugins/go/tasks/pluginmachinery/secret/azure_secret_manager.go and config/config.go), which has no env_var.
 */
export const azureManager = providerManager('azure', ({ azure }) => ({
  schema: 1,
  manager: 'azure',
  description: `Azure secret "${uri}"`,
  scope: 'cluster',
  inventory: azure.inventory,
  fields: {
    // Else group_version would be the name of the secret, which the policy judges by group.
    group: { required: true, format: 'https-url', leastSegments: 2 },
    groupVersion: { format: 'path-segment' },
    envVar: { format: 'env-name' },
  },
  mounts: { accepts: ['file'], any: 'file' },
  lookup: [uri],
  spelling: 'azure-uri',
  edits: {
    env: [],
    file: [
      ...azureEdits(azure, name, '', { field: 'groupVersion', oneOf: [''] }),
      ...azureEdits(
        azure,
        `${name}/\${groupVersion|lower}`,
        `mkdir -p ${secretsDir}/${name}; `,
        'groupVersion',
      ),
    ],
  },
}));

function azureEdits(config: PullManagerConfig, path: string, mkdir: string, when: When): Edit[] {
  const login =
    'az login --service-principal -u $AZURE_CLIENT_ID -t $AZURE_TENANT_ID --federated-token "$(cat $AZURE_FEDERATED_TOKEN_FILE)"; ';
  const source = `${uri}/\${groupVersion}`;
  const script = `${login}${mkdir}az keyvault secret show --id "${source}" --query "value" -o tsv > ${secretsDir}/${path}`;
  const edits = pullEdits({
    manager: 'azure',
    config,
    path,
    source,
    command: ['sh', '-ec', script],
    mountPath: secretsDir,
  });
  return edits.map((edit) => ({ ...edit, when: [when, edit.when ?? []].flat() }));
}
