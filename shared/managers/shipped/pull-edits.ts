import type { PullManagerConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { Edit, InitContainer } from '#shared/contracts/rules/rule-recipe.ts';
import { literal } from '#shared/core/rules/template/template.ts';
import { fileEnvEdits, fileVariables, secretsDir } from './flyte-edits.ts';

interface Pull {
  /** Prefix of the names of volume and container. */
  manager: string;
  config: PullManagerConfig;
  /** Templates: the file below the folder of secrets, and the secret that it is filled from. */
  path: string;
  source: string;
  /** Templates of what the container runs. */
  command?: string[];
  env?: { name: string; value: string }[];
  /** Where the container has the folder of secrets. */
  mountPath: string;
}

/**
 * Edits for a secret that an init container fetches into a folder in memory before the task starts. Names and order
 * are those of Flyte's webhook (flytepropeller/pkg/webhook/{aws,gcp}_secret_manager.go, test/golden).
 */
export function pullEdits({ manager, config, path, source, command, env = [], mountPath }: Pull): Edit[] {
  const name = `${manager}-secret-vol`;
  const initContainer: InitContainer = {
    name: `${manager}-pull-secret`,
    image: literal(config.sidecarImage),
    ...(command === undefined ? {} : { command }),
    env: [...env, ...fileVariables],
    resources: literalTree(config.resources),
    volumeMounts: [{ name, mountPath }],
  };
  const securityContext = literalTree(config.securityContext);
  const secured =
    Object.keys(securityContext).length === 0 ? initContainer : { ...initContainer, securityContext };
  return [
    ...fileEnvEdits(`${secretsDir}/${path}`),
    { volume: { name, emptyDir: { medium: 'Memory' } } },
    { volumeMount: { name, mountPath: secretsDir, readOnly: true } },
    {
      initContainer: secured,
      os: 'linux',
      // The usual place is left out, so that the recipe's id stays as it was.
      ...(config.position === 'first' ? {} : { position: config.position }),
    },
    { file: { path: `${secretsDir}/${path}`, source } },
  ];
}

/** The operator's texts are no templates. */
function literalTree<T extends object>(tree: T): T {
  return JSON.parse(JSON.stringify(tree), (_, value: unknown) =>
    typeof value === 'string' ? literal(value) : value,
  );
}
