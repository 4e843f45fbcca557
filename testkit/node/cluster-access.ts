import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createKubernetesClient,
  type KubernetesClient,
  kubeconfigOf,
} from '#testkit/cluster/kubernetes-client.ts';
import { runKubectl } from '#testkit/cluster/run-kubectl.ts';

/** What a client needs to reach an API server. */
interface Reach {
  server: string;
  authority: string;
  token: string;
}

/** Ways for this machine to reach a cluster as its administrator. */
export interface ClusterAccess extends Reach {
  kubeconfigFile: string;
  kubernetes: KubernetesClient;
  /** Runs kubectl and gives its standard output; throws with its standard error when it fails. */
  kubectl: (args: readonly string[], input?: string) => Promise<string>;
  /** The same for a person: a command line that reaches this cluster. */
  kubectlLine: () => string;
}

/** Writes the administrator's kubeconfig into the folder of a cluster. */
export async function writeClusterAccess(
  folder: string,
  kubectl: string,
  reach: Reach,
): Promise<ClusterAccess> {
  const user = { ...reach, user: 'admin' };
  const kubeconfigFile = join(folder, 'kubeconfig');
  await writeFile(kubeconfigFile, JSON.stringify(kubeconfigOf(user)), { mode: 0o600 });
  const run = { path: kubectl, home: join(folder, 'home') };
  return {
    ...reach,
    kubeconfigFile,
    kubernetes: createKubernetesClient(user),
    kubectl: (args, input = '') => runKubectl(run, [`--kubeconfig=${kubeconfigFile}`, ...args], input),
    kubectlLine: () => `${kubectl} --kubeconfig=${kubeconfigFile} get pods -A`,
  };
}
