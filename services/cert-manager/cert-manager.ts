import type { Bus } from '#shared/bus/link/bus.ts';
import { type Heartbeats, startHeartbeats } from '#shared/bus/link/start-heartbeats.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import type { ReadyService } from '#shared/service/ready-service.ts';
import type { ServiceContext } from '#shared/service/service-context.ts';
import { createCertificateMetrics } from './certificate-metrics.ts';
import { type CertificateFacts, notReadyReasons, remarks } from './not-ready-reasons.ts';
import { followServedCertificates, type ServedCertificates } from './observe/served-certificates.ts';
import { watchForChanges } from './observe/watch-for-changes.ts';
import { createWebhookRepairs } from './observe/webhook-repairs.ts';
import { createProvidedSource } from './provided-source.ts';
import { createReconcileLoop, type ReconcileLoop } from './reconcile-loop.ts';
import { createSelfSignedSource } from './self-signed-source.ts';

/**
 * Reconciles the certificates and the webhook configuration. It does so whenever one of the objects or what the gateways
 * serve changes, and once a minute. Both Secrets and the gateway's Service live in its own namespace.
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
  const create = config.tls.issuer === 'provided' ? createProvidedSource : createSelfSignedSource;
  const repairs = createWebhookRepairs(clock, log);
  const source = create({ kubernetes, config, namespace, served, repairs, log, clock });
  createCertificateMetrics(source.status);
  let hasReconciled = false;
  let stopWatch = async (): Promise<void> => undefined;

  const reconcile = async (): Promise<number | undefined> => {
    const recheckMs = await source.reconcile();
    hasReconciled = true;
    return recheckMs;
  };
  const facts = (): CertificateFacts => ({
    failure: loop?.failure(),
    hasReconciled,
    dependsOnOthers: !config.webhook.manage || config.tls.issuer === 'provided',
    status: source.status(),
  });
  const notReady = (): string[] => notReadyReasons(facts());

  return {
    notReady,
    remarks: () => remarks(facts()),
    start: async () => {
      const sender = { service: 'cert-manager', uid } as const;
      heartbeats = startHeartbeats(bus, {
        sender,
        clock,
        report: () => ({ notReady: notReady(), applied: [] }),
      });
      loop = createReconcileLoop({ run: reconcile, log, clock });
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
