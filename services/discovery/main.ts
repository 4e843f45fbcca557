import process from 'node:process';
import { connectServiceBus } from '#shared/bus/link/service-bus.ts';
import { connectKubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { withWriteFence } from '#shared/kubernetes/requests/with-write-fence.ts';
import { serviceProblems } from '#shared/managers/chain/chain-problems.ts';
import { createLeaderElectedService } from '#shared/service/leader-elected-service.ts';
import { runService } from '#shared/service/run-service.ts';
import { createDiscovery } from './discovery.ts';

await runService(
  'discovery',
  process,
  (context) => {
    const connect = () =>
      connectKubernetes({
        kubeconfigFile: context.process.KUBECONFIG,
        environment: process.env,
        log: context.log,
      });
    return createLeaderElectedService({
      context,
      kubernetes: connect(),
      lease: 'latchkey-discovery',
      create: (leading) =>
        createDiscovery(leading, {
          bus: connectServiceBus('discovery', leading),
          connectKubernetes: () => withWriteFence(connect(), leading.isLeading),
          environment: process.env,
        }),
    });
  },
  serviceProblems,
);
