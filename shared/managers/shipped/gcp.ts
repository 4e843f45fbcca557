import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { Recipe } from '#shared/contracts/rules/rule-recipe.ts';
import { secretsDir } from './flyte-edits.ts';
import { providerManager } from './provider-manager.ts';
import { pullEdits } from './pull-edits.ts';

/** A name that begins with a dash would be an option of gcloud. */
const option = '-';

/**
 * GCP Secret Manager: group is the secret's name or `projects/<project>/secrets/<name>`, group_version its version. A
 * name alone is looked for in the project of the pull container, taken to be the first that is listed.
 */
export const gcpManager = providerManager('gcp', gcpRecipe, ({ secret, keys }, { gcp }) => {
  const prefix = `projects/${gcp.provider.projects[0]}/secrets/`;
  const names = secret.startsWith(prefix) ? [secret, secret.slice(prefix.length)] : [secret];
  return names.flatMap((name) => keys.map((version) => `${name}/versions/${version}`));
});

function gcpRecipe({ gcp }: LatchkeyConfig): Recipe {
  const secret = '${group}/versions/${groupVersion}';
  const path = '${group|lower}/${groupVersion|lower}';
  const [dir, file] = [`${secretsDir}/\${group|lower}`, `${secretsDir}/${path}`];
  // gcloud writes the file with mode 0600, hence chmod: the task may run as another user (Flyte's words).
  const script = `gcloud secrets versions access ${secret} --out-file=${file} || gcloud secrets versions access \${groupVersion} --secret=\${group} --out-file=${file}; chmod +rX ${dir} ${file}`;
  return {
    schema: 1,
    manager: 'gcp',
    description: 'GCP secret "${group}" of version "${groupVersion}"',
    scope: 'cluster',
    inventory: gcp.inventory,
    fields: {
      // A project of a domain is named `example.com:name`.
      group: { required: true, format: 'path', alsoHolds: ':', forbiddenPrefixes: [option, 'arn:'] },
      groupVersion: { required: true, format: 'path-segment', forbiddenPrefixes: [option] },
      envVar: { format: 'env-name' },
    },
    mounts: { accepts: ['file'], any: 'file' },
    lookup: [secret],
    edits: {
      env: [],
      file: pullEdits({
        manager: 'gcp',
        config: gcp,
        path,
        source: secret,
        command: ['sh', '-ec', script],
        mountPath: secretsDir,
      }),
    },
  };
}
