import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { VaultProviderConfig } from '#shared/contracts/config/provider-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { truncate } from '#shared/core/text/plain-text.ts';
import { requestTimeoutMs } from './provider.ts';
import { describeAnswer, parseAnswer, type ReadAnswer, readAnswer } from './read-answer.ts';

/** The names in a folder as they came. They are parsed when they are wanted: as strings they take many times the bytes. */
export interface FolderNames {
  bytes: number;
  parse(): string[];
}

/** Some requests to Vault with one token. */
export interface VaultSession {
  /** Bytes of the longest answer that is read. */
  mostAnswerBytes: number;
  /** Asks for the names in a folder; a folder that is empty does not exist, and so has none. */
  list(path: string): Promise<FolderNames>;
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

/** What ends a request, and its answer. */
interface Bounds {
  signal: AbortSignal;
  mostAnswerBytes: number;
}

interface Answer extends ReadAnswer {
  path: string;
  status: number;
}

/** What a header can hold; the error about another would quote it. */
const tokenCharacters = /^[\x21-\x7e]+$/;
const loginSchema = z.object({ auth: z.object({ client_token: z.string().regex(tokenCharacters) }) });
const listSchema = z.object({ data: z.object({ keys: z.array(z.string()) }) });
const errorsSchema = z.object({ errors: z.array(z.string()) });
/** What a message tells of a path, and of Vault's words. */
const toldCharacters = 200;

/**
 * Begins a session with the token in the file, or with one that Vault gives for the ServiceAccount's.
 * Every method throws PROVIDER_UNREACHABLE with the path and Vault's own words, SET_TOO_LARGE for an answer that is too long.
 */
export async function createVaultSession(config: VaultProviderConfig, bounds: Bounds): Promise<VaultSession> {
  const call = (request: Call): Promise<Answer> => send(config, request, bounds);
  const { auth } = config;
  const isOwn = 'kubernetes' in auth;
  const token = isOwn ? await login(call, auth.kubernetes) : await readVaultToken(auth.tokenFile);
  return {
    mostAnswerBytes: bounds.mostAnswerBytes,
    list: async (path) => {
      const answer = await call({ method: 'GET', path, query: 'list=true', token });
      const bytes = answer.bytes.length;
      if (isSuccess(answer)) return { bytes, parse: () => parsed(answer, listSchema).data.keys };
      const errors = errorsOf(answer);
      if (answer.status === 404 && errors?.length === 0) return { bytes, parse: () => [] };
      throw refused(answer, errors);
    },
    end: async () => {
      if (!isOwn) return;
      const request: Call = { method: 'POST', path: 'auth/token/revoke-self', token };
      // Also when the signal has ended the list: Vault keeps a token for a month by default.
      const lastBounds = { ...bounds, signal: AbortSignal.timeout(requestTimeoutMs) };
      await send(config, request, lastBounds).catch(() => undefined);
    },
  };
}

async function login(
  call: (request: Call) => Promise<Answer>,
  { role, mount, tokenFile }: { role: string; mount: string; tokenFile: string },
): Promise<string> {
  const path = `auth/${mount}/login`;
  const answer = await call({ method: 'POST', path, body: { role, jwt: await readToken(tokenFile) } });
  if (!isSuccess(answer)) throw refused(answer, errorsOf(answer));
  return parsed(answer, loginSchema).auth.client_token;
}

async function send(
  { address = '', namespace }: VaultProviderConfig,
  { method, path, query = '', token, body }: Call,
  { signal, mostAnswerBytes }: Bounds,
): Promise<Answer> {
  const url = new URL(`/v1/${path.split('/').map(encodeURIComponent).join('/')}`, address);
  url.search = query;
  const response = await fetch(url, {
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
  const { status } = response;
  const title = `Vault answered ${status} for ${truncate(path, toldCharacters)}`;
  const contentType = response.headers.get('content-type');
  const read = await readAnswer({ title, contentType, body: response.body }, mostAnswerBytes);
  return { ...read, path, status };
}

const isSuccess = ({ status }: Answer): boolean => status >= 200 && status < 300;

const readToken = async (path: string): Promise<string> => (await readFile(path, 'utf8')).trim();

async function readVaultToken(path: string): Promise<string> {
  const token = await readToken(path);
  if (tokenCharacters.test(token)) return token;
  throw new LatchkeyError(
    'PROVIDER_UNREACHABLE',
    `${path} does not hold a Vault token: one line without blanks is expected, and nothing else`,
  );
}

function parsed<T>(answer: Answer, schema: z.ZodType<T>): T {
  const { success, data } = schema.safeParse(parseAnswer(answer));
  if (success) return data;
  throw new LatchkeyError(
    'PROVIDER_UNREACHABLE',
    `${describeAnswer(answer)} that are not what was asked for`,
  );
}

/** Vault's words in a refusal; undefined when it is not Vault's: a proxy's, say. */
function errorsOf(answer: Answer): string[] | undefined {
  try {
    return errorsSchema.safeParse(parseAnswer(answer)).data?.errors;
  } catch {
    return undefined;
  }
}

function refused(answer: Answer, errors: string[] | undefined): LatchkeyError {
  const { title, path, status } = answer;
  const words = truncate((errors ?? []).slice(0, toldCharacters).join('; ').trim(), toldCharacters);
  return new LatchkeyError(
    'PROVIDER_UNREACHABLE',
    errors === undefined ? describeAnswer(answer) : `${title}${words === '' ? '' : `: ${words}`}`,
    { fields: { path: truncate(path, toldCharacters), status } },
  );
}
