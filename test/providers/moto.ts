import {
  CreateSecretCommand,
  DeleteSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { pythonEnvironmentWith } from '#testkit/processes/python-environment.ts';
import type { ProviderProgram } from './provider-program.ts';

/** Credentials as the SDK finds them; moto takes any. */
export const awsEnvironment = { AWS_ACCESS_KEY_ID: 'testing', AWS_SECRET_ACCESS_KEY: 'testing' };
export const region = 'eu-west-1';

const moto = { name: 'moto', version: '5.2.5', requirements: ['moto[server]==5.2.5'] };

/** moto's server: AWS Secrets Manager in memory. */
export async function motoProgram(): Promise<ProviderProgram> {
  return {
    name: 'moto',
    command: await pythonEnvironmentWith(moto, process.env),
    args: (port) => ['-m', 'moto.server', '-H', '127.0.0.1', '-p', `${port}`],
    isUp: async (endpoint) => (await fetch(`${endpoint}/moto-api/`)).ok,
  };
}

/** Creates and deletes secrets as their owner would. */
export function awsOwner(endpoint: string) {
  const client = new SecretsManagerClient({
    endpoint,
    region,
    credentials: { accessKeyId: 'testing', secretAccessKey: 'testing' },
  });
  return {
    /** @returns its ARN */
    create: async (name: string): Promise<string> => {
      const { ARN = '' } = await client.send(
        new CreateSecretCommand({ Name: name, SecretString: `value of ${name}` }),
      );
      return ARN;
    },
    remove: async (arn: string): Promise<void> => {
      await client.send(new DeleteSecretCommand({ SecretId: arn, RecoveryWindowInDays: 7 }));
    },
  };
}
