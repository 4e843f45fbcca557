import process from 'node:process';
import { connectKubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import { fenceWrites } from '#shared/kubernetes/fenced-writes.ts';
import { createLedService } from '#shared/kubernetes/led-service.ts';
import { runProgram } from '#shared/runtime/program.ts';
import { createCertManager } from './cert-manager.ts';

await runProgram('cert-manager', process, (context) => {
  const { KUBECONFIG, POD_NAMESPACE } = context.process;
  const kubeconfig = KUBECONFIG === undefined ? {} : { kubeconfigFile: KUBECONFIG };
  const connect = () => connectKubernetes({ ...kubeconfig, log: context.log });
  return createLedService({
    context,
    kubernetes: connect(),
    lease: 'latchkey-cert-manager',
    create: ({ config, log, clock, isLeading }) => {
      const kubernetes = fenceWrites(connect(), isLeading);
      return createCertManager({ kubernetes, config, namespace: POD_NAMESPACE, log, clock });
    },
  });
});
