import process from 'node:process';
import { connectKubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import { runProgram } from '#shared/runtime/program.ts';
import { createCertManager } from './cert-manager.ts';

await runProgram(
  'cert-manager',
  process,
  ({ process: { KUBECONFIG, POD_NAMESPACE }, config, log, clock }) => {
    const kubeconfig = KUBECONFIG === undefined ? {} : { kubeconfigFile: KUBECONFIG };
    const kubernetes = connectKubernetes({ ...kubeconfig, log });
    return createCertManager({ kubernetes, config, namespace: POD_NAMESPACE, log, clock });
  },
);
