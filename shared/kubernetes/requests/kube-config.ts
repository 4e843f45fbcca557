import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, resolve } from 'node:path';
import { KubeConfig, type User } from '@kubernetes/client-node';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { member } from '#shared/core/text/json-object.ts';
import { readYaml } from '#shared/runtime/yaml-text.ts';
import { type PluginEnvironment, runCredentialPlugins } from './credential-plugin.ts';
import { describeKubeConfigFault, requireServer } from './kube-config-fault.ts';

/** Where to find the API server and the credentials; without a file the pod's own service account. */
export interface KubeConfigSource {
  /** A path, or several as in KUBECONFIG, which are taken together. */
  kubeconfigFile?: string | undefined;
  /** Instead of the current context. */
  context?: string;
  /** Variables that a credential plugin of the kubeconfig gets; without them it has none, and no PATH. */
  environment?: PluginEnvironment;
}

/**
 * Reads the configuration again.
 * @throws CONFIG_INVALID when it cannot be read or names no such cluster
 */
export function loadKubeConfig({ kubeconfigFile, context, environment = {} }: KubeConfigSource): KubeConfig {
  try {
    const kubeConfig = kubeconfigFile === undefined ? ofThePod() : ofFiles(kubeconfigFile.split(delimiter));
    if (context !== undefined) kubeConfig.setCurrentContext(context);
    requireServer(kubeConfig);
    runCredentialPlugins(kubeConfig, environment);
    return kubeConfig;
  } catch (err) {
    const message = describeKubeConfigFault(kubeconfigFile, err);
    throw new LatchkeyError('CONFIG_INVALID', message, {
      cause: err,
      fields: { file: kubeconfigFile ?? '' },
    });
  }
}

function ofThePod(): KubeConfig {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromCluster();
  return kubeConfig;
}

/** Several are taken together as kubectl does: the first that names something wins, a missing file does not matter. */
function ofFiles(files: readonly string[]): KubeConfig {
  const present = files.length === 1 ? files : files.filter((file) => existsSync(file));
  const [first = new KubeConfig(), ...more] = present.map((file) => {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(file);
    const tokenFiles = tokenFilesOf(file);
    kubeConfig.users = kubeConfig.users.map((user) =>
      withTokenOf(file, tokenFiles, withCommandOf(file, user)),
    );
    return kubeConfig;
  });
  for (const { clusters, users, contexts, currentContext } of more) {
    first.clusters = withOthers(first.clusters, clusters);
    first.users = withOthers(first.users, users);
    first.contexts = withOthers(first.contexts, contexts);
    first.currentContext ||= currentContext;
  }
  return first;
}

/** Takes a plugin's command with a slash from the folder of its file, as kubectl does. Others are looked for in PATH. */
function withCommandOf(file: string, user: User): User {
  const command: unknown = user.exec?.command;
  if (typeof command !== 'string' || !command.includes('/')) return user;
  return { ...user, exec: { ...user.exec, command: resolve(dirname(file), command) } };
}

/** Reads the `tokenFile` of each user that has one. client-node knows another name (docs/reference/libraries.md L17). */
function tokenFilesOf(file: string): ReadonlyMap<unknown, string> {
  const read = readYaml(readFileSync(file, 'utf8'));
  const users = 'faults' in read ? [] : member(read.value, 'users');
  const entries = (Array.isArray(users) ? users : []).flatMap((each): [unknown, string][] => {
    const tokenFile = member(member(each, 'user'), 'tokenFile');
    return typeof tokenFile === 'string' && tokenFile !== '' ? [[member(each, 'name'), tokenFile]] : [];
  });
  return new Map(entries);
}

/** Reads the token from its file, which wins over one in the kubeconfig, as kubectl does. */
function withTokenOf(file: string, tokenFiles: ReadonlyMap<unknown, string>, user: User): User {
  const tokenFile = tokenFiles.get(user.name);
  if (tokenFile === undefined) return user;
  return { ...user, token: readFileSync(resolve(dirname(file), tokenFile), 'utf8').trim() };
}

const withOthers = <T extends { name: string }>(first: readonly T[], more: readonly T[]): T[] => [
  ...first,
  ...more.filter(({ name }) => first.every((each) => each.name !== name)),
];
