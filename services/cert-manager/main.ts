import process from 'node:process';
import { connectServiceBus } from '#shared/bus/link/service-bus.ts';
import { connectKubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import { fenceWrites } from '#shared/kubernetes/fenced-writes.ts';
import { createLeaderElectedService } from '#shared/service/leader-elected-service.ts';
import { runService } from '#shared/service/run-service.ts';
import { announce } from './announced-service.ts';
import { createCertManager } from './cert-manager.ts';
import { followServedCertificates } from './observe/served-certificates.ts';

await runService('cert-manager', process, (context) => {
  const { KUBECONFIG, POD_NAMESPACE, POD_UID } = context.process;
  const kubeconfig = KUBECONFIG === undefined ? {} : { kubeconfigFile: KUBECONFIG };
  const connect = () => connectKubernetes({ ...kubeconfig, log: context.log });
  return createLeaderElectedService({
    context,
    kubernetes: connect(),
    lease: 'latchkey-cert-manager',
    create: (leading) => {
      const { config, log, clock, isLeading } = leading;
      const kubernetes = fenceWrites(connect(), isLeading);
      const bus = connectServiceBus('cert-manager', leading);
      const served = followServedCertificates(bus, clock);
      const service = createCertManager({ kubernetes, config, namespace: POD_NAMESPACE, served, log, clock });
      return announce(service, { bus, uid: POD_UID, clock });
    },
  });
});
