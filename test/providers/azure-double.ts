import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export const vaultUrl = 'https://team.vault.azure.net';

/** Fails with 503, or answers what no Azure does. */
type Outage = 'none' | 'error' | 'second page' | 'no JSON' | 'same page' | 'long answer';

export const canary = 'CANARY';
const oddAnswers: Partial<Record<Outage, string>> = {
  'no JSON': `<html>${canary}</html>`,
  'same page': JSON.stringify({ value: [], nextLink: `${vaultUrl}/secrets?$skiptoken=2` }),
  'long answer': JSON.stringify({ value: [{ id: `${vaultUrl}/secrets/${'x'.repeat(4 * 1_024 * 1_024)}` }] }),
};

/**
 * Stands in for the vault `team` of Azure Key Vault, of which no registry here has an emulator that needs no JVM: the list call of its REST
 * API with pages of two, the challenge that a client without a token gets first, and values nowhere.
 */
export async function startAzureDouble(pair: { certificate: string; key: string }) {
  const secrets = new Map<string, { enabled: boolean }>();
  const requests: string[] = [];
  let outage: Outage = 'none';
  const server = createServer({ cert: pair.certificate, key: pair.key }, (request, response) => {
    const url = new URL(request.url ?? '', vaultUrl);
    requests.push(`${request.method} ${url.pathname}`);
    if (request.headers.authorization === undefined) {
      const challenge = `Bearer authorization="https://login.microsoftonline.com/tenant", resource="https://vault.azure.net"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
      return;
    }
    const answer = (body: string): void =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    const odd = oddAnswers[outage];
    if (odd !== undefined) return answer(odd);
    const start = Number(url.searchParams.get('$skiptoken') ?? 0);
    const fails = outage === 'error' || (outage === 'second page' && start > 0);
    if (fails || url.pathname !== '/secrets') {
      const error = { code: 'ServiceUnavailable', message: 'away' };
      response.writeHead(503, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
      return;
    }
    const value = [...secrets].slice(start, start + 2).map(([name, attributes]) => ({
      id: `${url.origin}/secrets/${name}`,
      attributes,
    }));
    const more = `${url.origin}/secrets?api-version=7.6&$skiptoken=${start + 2}`;
    const nextLink = start + 2 < secrets.size ? more : null;
    answer(JSON.stringify({ value, nextLink }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://localhost:${port}`,
    secrets,
    /** Every request so far, `GET /secrets`. */
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
