import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseManifests, podTemplate } from '#testkit/cluster/manifests.ts';

const root = join(import.meta.dirname, '..');

/** Reads how an installation runs a gateway: options of Node, and the program. */
export async function gatewayArguments(): Promise<string[]> {
  const manifests = parseManifests(await readFile(join(root, 'deploy/gateway.yaml'), 'utf8'));
  return podTemplate(manifests, 'gateway').container.args ?? [];
}

/** Gives the options of Node among the arguments. */
export const nodeOptionsOf = (gatewayArgs: readonly string[]): string[] =>
  gatewayArgs.filter((argument) => argument.startsWith('--'));
