import { existsSync, readFileSync } from 'node:fs';
import { delimiter } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { describeYamlFault, readYaml } from '#shared/runtime/yaml-text.ts';

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
    const message = wrongSyntax(kubeconfigFile) ?? nothingFound({ kubeconfigFile, context });
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

/** Names the first file that is no YAML, with the place; the parser's own words may repeat a credential. */
function wrongSyntax(kubeconfigFile: string | undefined): string | undefined {
  const files = kubeconfigFile === undefined ? [] : kubeconfigFile.split(delimiter);
  for (const file of files.filter((each) => existsSync(each))) {
    const fault = syntaxFault(file);
    if (fault !== undefined) return `the kubeconfig file ${file} cannot be read: ${fault}`;
  }
  return undefined;
}

function syntaxFault(file: string): string | undefined {
  try {
    const read = readYaml(readFileSync(file, 'utf8'));
    const fault = 'faults' in read ? read.faults.find(({ isSyntax }) => isSyntax) : undefined;
    return fault && describeYamlFault(fault);
  } catch {
    // A folder, or a file of others: it is told as one in which nothing was found.
    return undefined;
  }
}

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
