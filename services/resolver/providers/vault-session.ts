import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { VaultProviderConfig } from '#shared/contracts/config/provider-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { requestTimeoutMs } from './provider.ts';

/** Some requests to Vault with one token. */
export interface VaultSession {
  /** The names in a folder; a folder that is empty does not exist, and so has none. */
  list(path: string): Promise<string[]>;
  /** Gives a token back that was made for this session. */
  end(): Promise<void>;
}

interface Call {
  method: 'GET' | 'POST';
  /** Encoded segment by segment, so that no name of a tenant changes the request. */
  path: string;
  query?: string;
  token?: string;
  body?: object;
}

const loginSchema = z.object({ auth: z.object({ client_token: z.string().min(1) }) });
const listSchema = z.object({ data: z.object({ keys: z.array(z.string()) }) });
const errorsSchema = z.object({ errors: z.array(z.string()) });

/**
 * Begins a session with the token in the file, or with one that Vault gives for the ServiceAccount's.
 * Every method throws PROVIDER_UNREACHABLE with the path and Vault's own words.
 */
export async function createVaultSession(
  config: VaultProviderConfig,
  signal: AbortSignal,
): Promise<VaultSession> {
  const call = (request: Call): Promise<Response> => send(config, request, signal);
  const { auth } = config;
  const isOwn = 'kubernetes' in auth;
  const token = isOwn ? await login(call, auth.kubernetes) : await readToken(auth.tokenFile);
  return {
    list: async (path) => {
      const response = await call({ method: 'GET', path, query: 'list=true', token });
      if (response.ok) return listSchema.parse(await response.json()).data.keys;
      const errors = await errorsOf(response);
      if (response.status === 404 && errors?.length === 0) return [];
      throw refused(path, response.status, errors);
    },
    end: async () => {
      if (isOwn) await call({ method: 'POST', path: 'auth/token/revoke-self', token }).catch(() => undefined);
    },
  };
}

async function login(
  call: (request: Call) => Promise<Response>,
  { role, mount, tokenFile }: { role: string; mount: string; tokenFile: string },
): Promise<string> {
  const path = `auth/${mount}/login`;
  const response = await call({ method: 'POST', path, body: { role, jwt: await readToken(tokenFile) } });
  if (!response.ok) throw refused(path, response.status, await errorsOf(response));
  return loginSchema.parse(await response.json()).auth.client_token;
}

async function send(
  { address = '', namespace }: VaultProviderConfig,
  { method, path, query = '', token, body }: Call,
  signal: AbortSignal,
): Promise<Response> {
  const url = new URL(`/v1/${path.split('/').map(encodeURIComponent).join('/')}`, address);
  url.search = query;
  return fetch(url, {
    method,
    headers: {
      ...(token === undefined ? {} : { 'X-Vault-Token': token }),
      ...(namespace === undefined ? {} : { 'X-Vault-Namespace': namespace }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    // It would carry the token to wherever it is sent.
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
  });
}

const readToken = async (path: string): Promise<string> => (await readFile(path, 'utf8')).trim();

async function errorsOf(response: Response): Promise<string[] | undefined> {
  const body: unknown = await response.json().catch(() => undefined);
  return errorsSchema.safeParse(body).data?.errors;
}

function refused(path: string, status: number, errors: string[] = []): LatchkeyError {
  const words = errors.join('; ').trim();
  return new LatchkeyError(
    'PROVIDER_UNREACHABLE',
    `Vault answered ${status} for ${path}${words === '' ? '' : `: ${words}`}`,
    { fields: { path, status } },
  );
}
