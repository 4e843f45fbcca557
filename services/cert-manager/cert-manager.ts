import type { Logger } from 'pino';
import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { ReadyService } from '#shared/runtime/program.ts';
import { createCertificateIssuer } from './certificate-issuer.ts';
import { createReconcileLoop, type ReconcileLoop } from './reconcile-loop.ts';
import type { ServedCertificates } from './served-certificates.ts';
import { watchForChanges } from './wake-watch.ts';

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
  const keeper = createCertificateIssuer({ kubernetes, config, namespace, served, log, clock });
  let isDone = false;
  let stopWatch = async (): Promise<void> => undefined;

  const run = async (): Promise<number | undefined> => {
    const recheckMs = await keeper.run();
    isDone = true;
    return recheckMs;
  };
  /** With webhook.manage the object of somebody else is a choice (webhook.adopt), without it a missing part. */
  const left = (): string[] => [keeper.facts()?.webhook.untouchable ?? []].flat();
  const isWaiting = (): boolean => !config.webhook.manage && keeper.facts()?.webhook.trusted === undefined;

  return {
    notReady: () => {
      const failure = loop?.failure();
      if (failure !== undefined) return [failure];
      if (!isDone) return ['the Secrets and the webhook configuration have not been read yet'];
      return isWaiting() ? left() : [];
    },
    remarks: () => (isWaiting() ? [] : left()),
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
