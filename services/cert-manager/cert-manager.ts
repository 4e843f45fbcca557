import type { Bus } from '#shared/bus/link/bus.ts';
import { type Heartbeats, startHeartbeats } from '#shared/bus/link/start-heartbeats.ts';
import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import type { ReadyService } from '#shared/service/ready-service.ts';
import type { ServiceContext } from '#shared/service/service-context.ts';
import { createCertificateMetrics } from './certificate-metrics.ts';
import { followServedCertificates, type ServedCertificates } from './observe/served-certificates.ts';
import { watchForChanges } from './observe/watch-for-changes.ts';
import { createWebhookRepairs, type UndoneRepair } from './observe/webhook-repairs.ts';
import { createProvidedKeeper } from './provided-source.ts';
import { createReconcileLoop, type ReconcileLoop } from './reconcile-loop.ts';
import { createCertificateIssuer } from './self-signed-source.ts';

/**
 * Keeps the certificates and the webhook configuration right: whenever one of the objects or what the gateways serve
 * changes, and once a minute. Both Secrets and the gateway's Service live in its own namespace.
 */
export function createCertManager(
  context: ServiceContext,
  { bus, kubernetes, ...given }: { bus: Bus; kubernetes: Kubernetes; served?: ServedCertificates },
): ReadyService {
  const { config, clock } = context;
  const { POD_NAMESPACE: namespace, POD_UID: uid } = context.process;
  const log = context.log.child({ component: 'cert-manager' });
  const served = given.served ?? followServedCertificates(bus, clock);
  let heartbeats: Heartbeats | undefined;
  let loop: ReconcileLoop | undefined;
  const onChange = (): void => loop?.wake();
  const create = config.tls.issuer === 'provided' ? createProvidedKeeper : createCertificateIssuer;
  const repairs = createWebhookRepairs(clock, log);
  const keeper = create({ kubernetes, config, namespace, served, repairs, log, clock });
  createCertificateMetrics(keeper.standing);
  let isDone = false;
  let stopWatch = async (): Promise<void> => undefined;

  const run = async (): Promise<number | undefined> => {
    const recheckMs = await keeper.run();
    isDone = true;
    return recheckMs;
  };
  const remarks = (): string[] => {
    const standing = keeper.standing();
    return [
      ...(standing?.problems ?? []),
      ...[standing?.unmanagedReason ?? []].flat(),
      ...(standing?.undone ?? []).map(wordUndone),
    ];
  };
  /** With webhook.manage the object of somebody else is a choice (webhook.adopt), without it a missing part. */
  const isMissing = (): boolean =>
    keeper.standing()?.called !== true && (!config.webhook.manage || config.tls.issuer === 'provided');

  const notReady = (): string[] => {
    const failure = loop?.failure();
    if (failure !== undefined) return [failure];
    if (!isDone) return ['the Secrets and the webhook configuration have not been read yet'];
    return [...(keeper.standing()?.unwritable ?? []), ...(isMissing() ? remarks() : [])];
  };

  return {
    notReady,
    remarks: () => (isMissing() ? [] : remarks()),
    start: async () => {
      const sender = { service: 'cert-manager', uid } as const;
      heartbeats = startHeartbeats(bus, {
        sender,
        clock,
        report: () => ({ notReady: notReady(), applied: [] }),
      });
      loop = createReconcileLoop({ run, log, clock });
      served.onChange(onChange);
      stopWatch = watchForChanges({ kubernetes, config, namespace, onChange, log, clock });
    },
    stop: async () => {
      heartbeats?.stop();
      await stopWatch();
      await loop?.stop();
      served.stop();
      kubernetes.close();
      await bus.close();
    },
  };
}

const wordUndone = ({ field, count, writer }: UndoneRepair): string =>
  `the repair of ${field} of the webhook configuration was undone ${count - 1} times${writer === undefined ? '' : ` by ${writer}`}`;
