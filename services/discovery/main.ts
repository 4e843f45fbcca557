import process from 'node:process';
import { connectServiceBus } from '#shared/bus/service-bus.ts';
import { connectKubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import { runProgram } from '#shared/runtime/program.ts';
import { createDiscovery } from './discovery.ts';

await runProgram('discovery', process, (context) => {
  const { KUBECONFIG } = context.process;
  const kubeconfig = KUBECONFIG === undefined ? {} : { kubeconfigFile: KUBECONFIG };
  const connect = () => connectKubernetes({ ...kubeconfig, log: context.log });
  return createDiscovery(context, connectServiceBus('discovery', context), connect, process.env);
});
