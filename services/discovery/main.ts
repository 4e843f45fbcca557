import process from 'node:process';
import { connectServiceBus } from '#shared/bus/link/service-bus.ts';
import { connectKubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import { fenceWrites } from '#shared/kubernetes/fenced-writes.ts';
import { createLedService } from '#shared/service/led-service.ts';
import { runProgram } from '#shared/service/program.ts';
import { createDiscovery } from './discovery.ts';

await runProgram('discovery', process, (context) => {
  const { KUBECONFIG } = context.process;
  const kubeconfig = KUBECONFIG === undefined ? {} : { kubeconfigFile: KUBECONFIG };
  const connect = () => connectKubernetes({ ...kubeconfig, log: context.log });
  return createLedService({
    context,
    kubernetes: connect(),
    lease: 'latchkey-discovery',
    create: (led) =>
      createDiscovery(
        led,
        connectServiceBus('discovery', led),
        () => fenceWrites(connect(), led.isLeading),
        process.env,
      ),
  });
});
