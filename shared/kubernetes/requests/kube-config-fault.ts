import { existsSync, readFileSync } from 'node:fs';
import { delimiter } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { quote, truncate } from '#shared/core/text/plain-text.ts';
import { describeYamlFault, readYaml } from '#shared/runtime/yaml-text.ts';

/** A kubeconfig that leads to no server; the message says what it lacks. */
class NoServer extends Error {}

/** Requires that the current context leads to a server. @throws NoServer, which {@link describeKubeConfigFault} describes */
export function requireServer(kubeConfig: KubeConfig): void {
  const name: string | undefined = kubeConfig.getCurrentContext();
  if (!name) throw new NoServer('has no current-context: choose one with --context');
  const context = kubeConfig.getContextObject(name);
  if (context === null) {
    throw new NoServer(`has no context ${truncate(name, 80)}: \`kubectl config get-contexts\` lists them`);
  }
  const server = kubeConfig.getCluster(context.cluster)?.server;
  if (server === undefined) {
    throw new NoServer(`has no cluster ${quote(context.cluster)}, which the context ${quote(name)} names`);
  }
  // Outside a cluster client-node builds `https://undefined:undefined`, which is no URL.
  if (!URL.canParse(server)) throw new NoServer(`has the server ${quote(server)}, which is no URL`);
}

/** Says why no API server was found, in the words of what failed. */
export function describeKubeConfigFault(kubeconfigFile: string | undefined, cause: unknown): string {
  if (kubeconfigFile === undefined) {
    return 'found no Kubernetes API server: set KUBECONFIG to a kubeconfig file, or run in a pod with a service account';
  }
  return (
    wrongSyntax(kubeconfigFile) ??
    unreadable(kubeconfigFile, cause) ??
    `the kubeconfig file ${kubeconfigFile} ${lackOf(cause)}`
  );
}

/** A message of client-node about an entry names its place and nothing of its content. */
const entryFault = /^(?:clusters|users|contexts)\[\d+\][.\w]* is missing$/;

function lackOf(cause: unknown): string {
  if (cause instanceof NoServer) return cause.message;
  const isEntry = cause instanceof Error && entryFault.test(cause.message);
  return isEntry
    ? `is not complete: ${cause.message}`
    : 'is no kubeconfig: it has no list of clusters, users and contexts';
}

function unreadable(kubeconfigFile: string, cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !('code' in cause)) return undefined;
  const path = 'path' in cause ? String(cause.path) : kubeconfigFile;
  const file = kubeconfigFile.split(delimiter).includes(path) ? 'kubeconfig file' : "kubeconfig's file";
  return `the ${file} ${path} cannot be read: ${String(cause.code)}`;
}

/** Names the first file that is no YAML, with the place; the parser's own words may repeat a credential. */
function wrongSyntax(kubeconfigFile: string): string | undefined {
  for (const file of kubeconfigFile.split(delimiter).filter((each) => existsSync(each))) {
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
    // A folder, or a file of others: the reader's own error tells.
    return undefined;
  }
}
