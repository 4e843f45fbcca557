import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';

/** Where to find the API server and the credentials; without a file the pod's own service account. */
export interface KubeConfigSource {
  /** A path, or several as in KUBECONFIG, which are taken together. */
  kubeconfigFile?: string | undefined;
  /** Instead of the current context. */
  context?: string;
}

/**
 * Reads the configuration again.
 * @throws CONFIG_INVALID when it cannot be read or names no such cluster
 */
export function loadKubeConfig({ kubeconfigFile, context }: KubeConfigSource): KubeConfig {
  try {
    const kubeConfig = kubeconfigFile === undefined ? ofThePod() : ofFiles(kubeconfigFile.split(delimiter));
    if (context !== undefined) kubeConfig.setCurrentContext(context);
    // Outside a cluster client-node builds `https://undefined:undefined`, which is no URL.
    new URL(kubeConfig.getCurrentCluster()?.server ?? '');
    return kubeConfig;
  } catch (err) {
    throw new LatchkeyError('CONFIG_INVALID', nothingFound({ kubeconfigFile, context }), {
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

const withOthers = <T extends { name: string }>(first: readonly T[], more: readonly T[]): T[] => [
  ...first,
  ...more.filter(({ name }) => first.every((each) => each.name !== name)),
];

function nothingFound({
  kubeconfigFile,
  context,
}: { [Field in keyof KubeConfigSource]: string | undefined }) {
  if (kubeconfigFile === undefined) {
    return 'found no Kubernetes API server: set KUBECONFIG to a kubeconfig file, or run in a pod with a service account';
  }
  return context === undefined
    ? `found no cluster in the kubeconfig file ${kubeconfigFile}: set KUBECONFIG to a readable one with a current context`
    : `found no cluster for the context ${context} in the kubeconfig file ${kubeconfigFile}: \`kubectl config get-contexts\` lists them`;
}
