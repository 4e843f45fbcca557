import type { Logger } from 'pino';
import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { ReadyService } from '#shared/service/ready-service.ts';
import { createCertificateMetrics } from './certificate-metrics.ts';
import type { ServedCertificates } from './observe/served-certificates.ts';
import { watchForChanges } from './observe/watch-for-changes.ts';
import { createWebhookRepairs, type UndoneRepair } from './observe/webhook-repairs.ts';
import { createProvidedKeeper } from './provided-source.ts';
import { createReconcileLoop, type ReconcileLoop } from './reconcile-loop.ts';
import { createCertificateIssuer } from './self-signed-source.ts';

/**
 * Keeps the certificates and the webhook configuration right: whenever one of the objects or what the gateways serve
 * changes, and once a minute.
 */
export function createCertManager(options: {
  kubernetes: Kubernetes;
  config: LatchkeyConfig;
  /** Its own namespace, where both Secrets and the gateway's Service live. */
  namespace: string;
  served: ServedCertificates;
  log: Logger;
  clock: Clock;
}): ReadyService {
  const { kubernetes, config, namespace, served, clock } = options;
  const log = options.log.child({ component: 'cert-manager' });
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

  return {
    notReady: () => {
      const failure = loop?.failure();
      if (failure !== undefined) return [failure];
      if (!isDone) return ['the Secrets and the webhook configuration have not been read yet'];
      return [...(keeper.standing()?.unwritable ?? []), ...(isMissing() ? remarks() : [])];
    },
    remarks: () => (isMissing() ? [] : remarks()),
    start: async () => {
      loop = createReconcileLoop({ run, log, clock });
      served.onChange(onChange);
      stopWatch = watchForChanges({ kubernetes, config, namespace, onChange, log, clock });
    },
    stop: async () => {
      await stopWatch();
      await loop?.stop();
      served.stop();
      kubernetes.close();
    },
  };
}

const wordUndone = ({ field, count, writer }: UndoneRepair): string =>
  `the repair of ${field} of the webhook configuration was undone ${count - 1} times${writer === undefined ? '' : ` by ${writer}`}`;
