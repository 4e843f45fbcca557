import type { Edit, EnvEntry } from '#shared/contracts/rules/rule-recipe.ts';

/**
 * Where a Flyte task reads its secrets (flytekit's SecretsManager; names and order as Flyte's webhook writes them,
 * see test/golden). A secret with a group_version is also readable under flytekit's versioned name.
 */
export const secretsDir = '/etc/flyte/secrets';
const filePath = `${secretsDir}/\${group|lower}/\${key|lower}`;

const envPrefix: Edit = { env: { name: 'FLYTE_SECRETS_ENV_PREFIX', value: '_FSEC_' } };
/** Variables that tell a task, and a pull container, where files are. */
export const fileVariables: readonly { name: string; value: string }[] = [
  { name: 'FLYTE_SECRETS_DEFAULT_DIR', value: secretsDir },
  { name: 'FLYTE_SECRETS_FILE_PREFIX', value: '' },
];

/** The variables of a secret as a file; `env_var` becomes the file's path. */
export function fileEnvEdits(path: string): Edit[] {
  return [
    ...fileVariables.map((env) => ({ env })),
    { env: { name: '${envVar}', value: path }, when: 'envVar' },
  ];
}

type Source = { value: string } | { valueFrom: Extract<EnvEntry, { valueFrom: unknown }>['valueFrom'] };

/** Edits for a secret as environment variables; `prefix` says where FLYTE_SECRETS_ENV_PREFIX stands among them. */
export function flyteEnvEdits(source: Source, prefix: 'first' | 'last'): Edit[] {
  const edits: Edit[] = [
    { env: { name: '_FSEC_${group|upper}_${key|upper}', ...source } },
    {
      env: { name: '_FSEC_${group|upper}_${groupVersion|upper}_${key|upper}', ...source },
      when: 'groupVersion',
    },
    { env: { name: '${envVar}', ...source }, when: 'envVar' },
  ];
  return prefix === 'first' ? [envPrefix, ...edits] : [...edits, envPrefix];
}

/** Edits for one key of a Kubernetes Secret as a file. */
export function flyteFileEdits(secret: { secretName: string; key: string; optional: boolean }): Edit[] {
  const { secretName, key, optional } = secret;
  const name = '${versionedGroup|base32|volumeName}';
  return [
    ...fileEnvEdits(filePath),
    {
      volume: {
        name,
        secret: {
          secretName,
          items: [
            { key, path: '${key|lower}' },
            { key, path: '${groupVersion|lower}/${key|lower}', when: 'groupVersion' },
          ],
          optional,
        },
      },
    },
    { volumeMount: { name, mountPath: `${secretsDir}/\${group|lower}`, readOnly: true } },
  ];
}
