import { type protos, SecretManagerServiceClient } from '@google-cloud/secret-manager';
import type { GcpProviderConfig } from '#shared/contracts/config/provider-config.ts';
import { type ListedSecret, type Provider, requestTimeoutMs } from './provider.ts';

type Secret = protos.google.cloud.secretmanager.v1.ISecret;

const pageSize = 250;
/** Secrets whose versions are asked for at once. */
const secretsAtOnce = 8;
/** Always names the newest version. */
const newest = 'latest';

/**
 * GCP Secret Manager over its REST transport, by ListSecrets and ListSecretVersions: each secret with its enabled
 * versions and their aliases. A project has an id and a number, both of which stand in names: there is one of each.
 */
export function createGcpProvider({ projects, endpoint }: GcpProviderConfig): Provider {
  const client = new SecretManagerServiceClient({ fallback: true, ...endpointOptions(endpoint) });
  const call = { timeout: requestTimeoutMs, retry: null, autoPaginate: false };
  const withVersions = async (
    secret: Secret,
    project: string,
    signal: AbortSignal,
  ): Promise<ListedSecret[]> => {
    const { name = '', versionAliases } = secret;
    const enabled: string[] = [];
    const versions = client.listSecretVersionsAsync(
      { parent: name, pageSize, filter: 'state:ENABLED' },
      call,
    );
    for await (const version of versions) {
      signal.throwIfAborted();
      enabled.push(lastSegment(version.name));
    }
    const aliases = Object.entries(versionAliases ?? {})
      .filter(([, version]) => enabled.includes(`${version}`))
      .map(([alias]) => alias);
    const keys = enabled.length === 0 ? [] : [...enabled, ...aliases, newest];
    const byId = `projects/${project}/secrets/${lastSegment(name)}`;
    return [...new Set([byId, name ?? byId])].map((secret) => ({ secret, keys }));
  };
  return {
    // The client takes no signal: it is looked at between answers, each of which has its timeout.
    async *listSecrets(signal, leaveOut) {
      const listOne = async (secret: Secret, project: string): Promise<ListedSecret[]> => {
        try {
          return await withVersions(secret, project, signal);
        } catch (error) {
          if (!isAboutSecret(error)) throw error;
          leaveOut(secret.name ?? '', error.message);
          return [];
        }
      };
      for (const project of projects) {
        signal.throwIfAborted();
        const listed = client.listSecretsAsync({ parent: `projects/${project}`, pageSize }, call);
        for await (const secrets of inGroups(listed, secretsAtOnce)) {
          signal.throwIfAborted();
          yield* (await Promise.all(secrets.map((secret) => listOne(secret, project)))).flat();
        }
      }
    },
  };
}

/** Of gRPC: an invalid argument, and what was deleted since it was listed. */
const aboutSecret: readonly unknown[] = [3, 5];

const isAboutSecret = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && aboutSecret.includes(error.code);

function endpointOptions(endpoint: string | undefined): object {
  if (endpoint === undefined) return {};
  const { protocol, hostname, port } = new URL(endpoint);
  const scheme = protocol.slice(0, -1);
  return { apiEndpoint: hostname, protocol: scheme, port: Number(port) || (scheme === 'https' ? 443 : 80) };
}

const lastSegment = (name: string | null | undefined): string => name?.slice(name.lastIndexOf('/') + 1) ?? '';

async function* inGroups<T>(items: AsyncIterable<T>, size: number): AsyncIterable<T[]> {
  let group: T[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
