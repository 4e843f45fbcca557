import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A secret as GCP has it: its versions with their states, and names for some of them. */
interface GcpSecret {
  versions: Record<string, 'ENABLED' | 'DISABLED' | 'DESTROYED'>;
  versionAliases?: Record<string, string>;
  /** Whether it is still listed, and has no versions to list any more. */
  isGone?: boolean;
}

/** Fails with 503, or answers what no GCP does. */
type Outage =
  | 'none'
  | 'error'
  | 'second page'
  | 'no JSON'
  | 'refused without JSON'
  | 'same page'
  | 'long answer';

export const canary = 'ya29.CANARY';
const html = `<html>${canary}</html>`;
const oddAnswers: Partial<Record<Outage, { status?: number; body: string }>> = {
  'no JSON': { body: html },
  'refused without JSON': { status: 403, body: html },
  'same page': { body: JSON.stringify({ secrets: [], nextPageToken: 'again' }) },
  'long answer': { body: JSON.stringify({ secrets: [{ name: 'x'.repeat(4 * 1_024 * 1_024) }] }) },
};

/**
 * Stands in for GCP Secret Manager, of which no registry has an emulator: the two list calls of its REST API v1, with
 * pages of two, the project's number in names, and values nowhere. Project `team` has the number 123.
 */
export async function startGcpDouble() {
  const secrets = new Map<string, GcpSecret>();
  const requests: string[] = [];
  let outage: Outage = 'none';
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost');
    requests.push(`${request.method} ${url.pathname}`);
    const token = url.searchParams.get('pageToken');
    const fails = outage === 'error' || (outage === 'second page' && token !== null);
    if (fails) return answer(response, 503, { error: { code: 503, message: 'away', status: 'UNAVAILABLE' } });
    if (!request.headers.authorization?.startsWith('Bearer ')) return answer(response, 401, {});
    const odd = oddAnswers[outage];
    if (odd !== undefined) return void response.writeHead(odd.status ?? 200).end(odd.body);
    const listed = list(secrets, url);
    const gone = { error: { code: 404, message: 'not found', status: 'NOT_FOUND' } };
    if (listed === undefined) return answer(response, 404, gone);
    const start = Number(token ?? 0);
    const next = start + 2 < listed.items.length ? { nextPageToken: `${start + 2}` } : {};
    answer(response, 200, { [listed.field]: listed.items.slice(start, start + 2), ...next });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    secrets,
    /** Every request so far, `GET /v1/...`. */
    requests,
    /** What fails from now on. */
    fail: (what: Outage) => {
      outage = what;
    },
    stop: async (): Promise<void> => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function list(secrets: Map<string, GcpSecret>, url: URL): { field: string; items: object[] } | undefined {
  if (/^\/v1\/projects\/(team|123)\/secrets$/.test(url.pathname)) {
    const items = [...secrets].map(([name, { versionAliases = {} }]) => ({
      name: `projects/123/secrets/${name}`,
      versionAliases,
    }));
    return { field: 'secrets', items };
  }
  const [, name = ''] = /^\/v1\/projects\/(?:team|123)\/secrets\/([^/]+)\/versions$/.exec(url.pathname) ?? [];
  const secret = secrets.get(name);
  if (secret === undefined || secret.isGone) return undefined;
  const items = Object.entries(secret.versions)
    .map(([version, state]) => ({ name: `projects/123/secrets/${name}/versions/${version}`, state }))
    .reverse();
  return { field: 'versions', items };
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** Writes the key of a service account, which the SDK signs its own tokens with. */
export async function writeServiceAccountKey(path: string): Promise<void> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = {
    type: 'service_account',
    project_id: 'team',
    private_key_id: 'of-a-test',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: 'latchkey@team.iam.gserviceaccount.com',
    client_id: '1',
  };
  await writeFile(path, JSON.stringify(key), { mode: 0o600 });
}
