import type { Command } from './command.ts';

/** Options of every command that looks at a cluster. */
export const installationOptions: Command['options'] = {
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  namespace: { type: 'string', short: 'n' },
  config: { type: 'string' },
};

export const installationHelp = `  --config FILE        latchkey.yaml (default: from the ConfigMap latchkey-config, else built-in defaults)
  -n, --namespace NS   namespace of the installation (default: POD_NAMESPACE, else latchkey)
  --kubeconfig FILE    kubeconfig (default: KUBECONFIG, else ~/.kube/config, else the pod's service account)
  --context NAME       context in the kubeconfig`;
