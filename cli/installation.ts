import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { parseLatchkeyConfig } from '#shared/config/latchkey-file.ts';
import { type LatchkeyConfig, latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { readObject } from '#shared/kubernetes/objects/read-objects.ts';
import { connectKubernetes, type Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import type { KubeConfigSource } from '#shared/kubernetes/requests/kube-config.ts';
import type { KubernetesObject } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { serviceProblems } from '#shared/managers/chain/chain-problems.ts';
import type { Terminal, Values } from './command.ts';
import { readTextArgument } from './text-argument.ts';

/** The installation that a command is about. */
export interface Installation {
  kubernetes: Kubernetes;
  namespace: string;
}

/** Where deploy/ puts latchkey.yaml. */
const configMapName = 'latchkey-config';
const configKey = 'latchkey.yaml';

/** latchkey.yaml as it holds for an installation, and where it was found. */
export interface FoundConfig {
  config: LatchkeyConfig;
  source: string;
}

export const defaultConfig = (): FoundConfig => ({
  config: latchkeyConfigSchema.parse({}),
  source: 'the defaults',
});

export const namespaceOf = ({ environment }: Terminal, { namespace }: Values): string =>
  String(namespace ?? (environment.POD_NAMESPACE || 'latchkey'));

/** Connects, runs the command and disconnects. @throws CONFIG_INVALID when no API server is found. */
export async function withInstallation<T>(
  terminal: Terminal,
  values: Values,
  run: (installation: Installation) => Promise<T>,
): Promise<T> {
  const source = kubeConfigSource(terminal, values);
  const kubernetes = connectKubernetes({ ...source, log: pino({ level: 'silent' }) });
  try {
    return await run({ kubernetes, namespace: namespaceOf(terminal, values) });
  } finally {
    kubernetes.close();
  }
}

/** As kubectl looks for it. */
function kubeConfigSource({ environment }: Terminal, { kubeconfig, context }: Values): KubeConfigSource {
  const ofHome = [environment.HOME ?? []].flat().map((home) => join(home, '.kube/config'));
  const file = kubeconfig ?? (environment.KUBECONFIG || ofHome.find((path) => existsSync(path)));
  return {
    environment,
    ...(file === undefined ? {} : { kubeconfigFile: String(file) }),
    ...(context === undefined ? {} : { context: String(context) }),
  };
}

/** The file of `--config`, or undefined without the option. @throws CONFIG_INVALID when it is wrong. */
export async function readConfigOption(
  terminal: Terminal,
  { config }: Values,
): Promise<FoundConfig | undefined> {
  if (config === undefined) return undefined;
  const source = String(config);
  const text = await readTextArgument(source, terminal, 'CONFIG_INVALID');
  return { config: parseLatchkeyConfig(text, source, serviceProblems), source };
}

interface ConfigMap extends KubernetesObject {
  data?: Record<string, string>;
}

/**
 * latchkey.yaml of an installation. Uses (get, configmaps), unless `--config` is given.
 * @throws CONFIG_INVALID when it is wrong.
 */
export async function findConfig(
  terminal: Terminal,
  values: Values,
  { kubernetes, namespace }: Installation,
): Promise<FoundConfig> {
  const given = await readConfigOption(terminal, values);
  if (given !== undefined) return given;
  const target = { resource: 'configmaps', namespace, name: configMapName } as const;
  const text = (await readObject<ConfigMap>(kubernetes, target))?.data?.[configKey];
  if (text === undefined) return defaultConfig();
  const source = `ConfigMap ${configMapName}`;
  return { config: parseLatchkeyConfig(text, source, serviceProblems), source };
}

/** @throws CONFIG_INVALID when the certificate is not ours to make. */
export function requireOwnCertificates({ config, source }: FoundConfig): void {
  if (config.tls.issuer === 'latchkey') return;
  throw new LatchkeyError(
    'CONFIG_INVALID',
    `${source} has tls.issuer: ${config.tls.issuer}: the certificate is issued and renewed by the owner of Secret ${config.tls.servingSecretName}`,
  );
}
