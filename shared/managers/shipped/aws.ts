import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { Recipe } from '#shared/contracts/rules/rule-recipe.ts';
import { providerManager } from './provider-manager.ts';
import { pullEdits } from './pull-edits.ts';

/** Matches the suffix of a name in an ARN, without which AWS finds the secret, too (GetSecretValue, SecretId). */
const randomSuffix = /-[A-Za-z0-9]{6}$/;

/** AWS Secrets Manager: group and key together are the ARN or name of the secret. */
export const awsManager = providerManager('aws', awsRecipe, ({ secret }) => [
  ...new Set([secret, secret.replace(randomSuffix, '')]),
]);

function awsRecipe({ aws }: LatchkeyConfig): Recipe {
  const arn = '${group|trimEnd::}:${key|trimStart::}';
  const path = '${group|trimStart:/|lower}/${key|trimStart:/|lower}';
  return {
    schema: 1,
    manager: 'aws',
    description: 'AWS secret "${group|trimEnd::}:${key|trimStart::}"',
    scope: 'cluster',
    inventory: aws.inventory,
    fields: {
      // Services of AWS name the secrets that they manage `rds!...`; a name may begin with a slash.
      group: { required: true, format: 'arn', alsoHolds: '!', leadingSlash: true },
      key: { required: true, format: 'arn', alsoHolds: '!', leadingSlash: true },
      envVar: { format: 'env-name' },
    },
    mounts: { accepts: ['file'], any: 'file' },
    lookup: [arn],
    spelling: 'aws-arn',
    edits: {
      env: [],
      file: pullEdits({
        manager: 'aws',
        config: aws,
        path,
        source: arn,
        env: [
          { name: 'SECRET_ARN', value: arn },
          { name: 'SECRET_FILENAME', value: `/${path}` },
        ],
        mountPath: '/tmp',
      }),
    },
  };
}
