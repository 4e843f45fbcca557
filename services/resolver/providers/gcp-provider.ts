import { type protos, SecretManagerServiceClient } from '@google-cloud/secret-manager';
import type { GcpProviderConfig } from '#shared/contracts/config/provider-config.ts';
import { gcpTransport } from './gcp-transport.ts';
import { type ListedSecret, type Provider, requestTimeoutMs } from './provider.ts';
import { providerPages } from './provider-pages.ts';
import { isTooLong } from './read-answer.ts';

type Secret = protos.google.cloud.secretmanager.v1.ISecret;
type Version = protos.google.cloud.secretmanager.v1.ISecretVersion;

const secretsPerPage = 250;
const versionsPerPage = 1_000;
/** Secrets whose versions are asked for at once. */
const secretsAtOnce = 8;
/** Versions of one secret that are looked at, the newest first: each is two names in one record, with the longest ids 600 KB. */
const mostVersions = 1_000;
/** Always names the newest version, whatever its state. */
const newest = 'latest';

/**
 * GCP Secret Manager over its REST transport, by ListSecrets and ListSecretVersions: each secret with its enabled
 * versions and their aliases. A project has an id and a number, both of which stand in names: there is one of each.
 */
export function createGcpProvider(
  { projects, endpoint }: GcpProviderConfig,
  mostAnswerBytes: number,
): Provider {
  const client = new SecretManagerServiceClient({
    fallback: true,
    clientOptions: { transporterOptions: gcpTransport(mostAnswerBytes) },
    ...endpointOptions(endpoint),
  });
  return {
    // The client takes no signal: it is looked at between answers, each of which has its timeout.
    async *listSecrets({ signal, leaveOut, enter }) {
      const listOne = async (secret: Secret, project: string): Promise<ListedSecret[]> => {
        try {
          return await withVersions(client, secret, { project, signal });
        } catch (error) {
          if (!isAboutSecret(error)) throw error;
          leaveOut(secret.name ?? '', error.message);
          return [];
        }
      };
      for (const project of projects) {
        const parent = `projects/${project}`;
        enter(`${parent}/secrets/`);
        signal.throwIfAborted();
        for await (const page of secretPages(client, parent)) {
          for (let from = 0; from < page.length; from += secretsAtOnce) {
            signal.throwIfAborted();
            const group = page.slice(from, from + secretsAtOnce);
            yield* (await Promise.all(group.map((secret) => listOne(secret, project)))).flat();
          }
        }
      }
    },
  };
}

const call = { timeout: requestTimeoutMs, retry: null, autoPaginate: false };

const secretPages = (client: SecretManagerServiceClient, parent: string): AsyncIterable<readonly Secret[]> =>
  providerPages({ place: parent, size: secretsPerPage }, async (pageToken = '', pageSize) => {
    const [items, , answer] = await client.listSecrets({ parent, pageSize, pageToken }, call);
    return { items, next: answer.nextPageToken };
  });

const versionPages = (
  client: SecretManagerServiceClient,
  parent: string,
): AsyncIterable<readonly Version[]> =>
  providerPages({ place: parent, size: versionsPerPage }, async (pageToken = '', pageSize) => {
    const request = { parent, pageSize, pageToken };
    const [items, , answer] = await client.listSecretVersions(request, call);
    return { items, next: answer.nextPageToken };
  });

/** Lists what of a secret can be asked for: its enabled versions, their aliases, and the newest if that is enabled. */
async function withVersions(
  client: SecretManagerServiceClient,
  { name, versionAliases }: Secret,
  { project, signal }: { project: string; signal: AbortSignal },
): Promise<ListedSecret[]> {
  const versions: Version[] = [];
  for await (const page of versionPages(client, name ?? '')) {
    signal.throwIfAborted();
    versions.push(...page.slice(0, mostVersions - versions.length));
    if (versions.length >= mostVersions) break;
  }
  const keys = keysOf(versions, versionAliases ?? {});
  const byId = `projects/${project}/secrets/${lastSegment(name)}`;
  return [...new Set([byId, name ?? byId])].map((secret) => ({ secret, keys }));
}

/** @param versions in every state: a pull of the newest fails unless that one is enabled, whichever others are */
function keysOf(versions: readonly Version[], aliases: Record<string, unknown>): string[] {
  const enabled = new Set(versions.filter(isEnabled).map(({ name }) => lastSegment(name)));
  const numbers = versions.map(({ name }) => Number(lastSegment(name)));
  const last = numbers.reduce((highest, number) => Math.max(highest, number), 0);
  return [
    ...enabled,
    ...Object.keys(aliases).filter((alias) => enabled.has(`${aliases[alias]}`)),
    ...(enabled.has(`${last}`) ? [newest] : []),
  ];
}

const isEnabled = ({ state }: Version): boolean => state === 'ENABLED' || state === 1;

/** Of gRPC: an invalid argument, and what was deleted since it was listed. */
const aboutSecret: readonly unknown[] = [3, 5];

const isAboutSecret = (error: unknown): error is Error =>
  error instanceof Error && (isTooLong(error) || ('code' in error && aboutSecret.includes(error.code)));

function endpointOptions(endpoint: string | undefined): object {
  if (endpoint === undefined) return {};
  const { protocol, hostname, port } = new URL(endpoint);
  const scheme = protocol.slice(0, -1);
  return { apiEndpoint: hostname, protocol: scheme, port: Number(port) || (scheme === 'https' ? 443 : 80) };
}

const lastSegment = (name: string | null | undefined): string => name?.slice(name.lastIndexOf('/') + 1) ?? '';
