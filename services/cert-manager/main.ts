import process from 'node:process';
import { connectServiceBus } from '#shared/bus/link/service-bus.ts';
import { connectKubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { withWriteFence } from '#shared/kubernetes/requests/with-write-fence.ts';
import { createLeaderElectedService } from '#shared/service/leader-elected-service.ts';
import { runService } from '#shared/service/run-service.ts';
import { createCertManager } from './cert-manager.ts';

await runService('cert-manager', process, (context) => {
  const connect = () =>
    connectKubernetes({
      kubeconfigFile: context.process.KUBECONFIG,
      environment: process.env,
      log: context.log,
    });
  return createLeaderElectedService({
    context,
    kubernetes: connect(),
    lease: 'latchkey-cert-manager',
    create: (leading) =>
      createCertManager(leading, {
        bus: connectServiceBus('cert-manager', leading),
        kubernetes: withWriteFence(connect(), leading.isLeading),
      }),
  });
});
