import type { Logger } from 'pino';
import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import { trustedBundle } from '#shared/installation/webhook-configuration.ts';
import { ensureWebhook } from '#shared/installation/webhook-keeper.ts';
import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import type { KubernetesObject, Secret } from '#shared/kubernetes/kubernetes-object.ts';
import { resourcePath } from '#shared/kubernetes/resource-path.ts';
import type { MutatingWebhookConfiguration } from '#shared/kubernetes/webhook-configurations.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { ReadyService } from '#shared/runtime/program.ts';
import { createAuthorityKeeper } from './authority.ts';
import { type ObjectView, watchObject } from './object-view.ts';
import { createReconcileLoop, type ReconcileLoop } from './reconcile-loop.ts';
import { createServingKeeper } from './serving-certificate.ts';

interface Views {
  authority: ObjectView<Secret>;
  serving: ObjectView<Secret>;
  webhook: ObjectView<MutatingWebhookConfiguration>;
}

/**
 * Keeps the CA, the serving certificate and the webhook configuration right: whenever one of the three objects changes,
 * and once a minute. In this order: the CA; the bundle that the API server trusts; the leaf. Holds no state that it
 * could not lose: what it remembers only saves a Secret that somebody deletes or breaks.
 */
export function createCertManager(options: {
  kubernetes: Kubernetes;
  config: LatchkeyConfig;
  /** Its own namespace, where both Secrets and the gateway's Service live. */
  namespace: string;
  log: Logger;
  clock: Clock;
}): ReadyService {
  const { kubernetes, config, namespace, clock } = options;
  const { tls, webhook } = config;
  const log = options.log.child({ component: 'cert-manager' });
  const authorityKeeper = createAuthorityKeeper({ kubernetes, tls, namespace, log, clock });
  const servingKeeper = createServingKeeper({ kubernetes, config, namespace, log, clock });
  const secrets = resourcePath({ resource: 'secrets', namespace });
  const configurations = resourcePath({ resource: 'mutatingwebhookconfigurations' });
  let views: Views | undefined;
  let loop: ReconcileLoop | undefined;
  let isDone = false;

  const trusted = (configuration: MutatingWebhookConfiguration | undefined): string | undefined =>
    trustedBundle(configuration, webhook, namespace);
  const run = async (): Promise<void> => {
    if (views === undefined || !Object.values(views).every((view) => view.synced())) return;
    const configuration = views.webhook.current();
    const authority = await authorityKeeper.ensure(views.authority.current(), trusted(configuration));
    const repaired = await ensureWebhook(
      { kubernetes, webhook, namespace, log },
      configuration,
      authority.bundle,
    );
    await servingKeeper.ensure(views.serving.current(), authority, trusted(repaired));
    isDone = true;
  };

  const notReady = (): string[] => {
    const failure = loop?.failure();
    if (failure !== undefined) return [failure];
    if (!isDone) return ['the Secrets and the webhook configuration have not been read yet'];
    return views?.webhook.current() === undefined && !webhook.manage
      ? [
          `waiting for MutatingWebhookConfiguration ${webhook.configurationName}, which webhook.manage: false leaves to others`,
        ]
      : [];
  };

  return {
    notReady,
    start: async () => {
      const started = createReconcileLoop({ run, log, clock });
      const watch = <T extends KubernetesObject>(path: string, name: string): ObjectView<T> =>
        watchObject<T>({ kubernetes, path, name, onChange: started.wake, log, clock });
      loop = started;
      views = {
        authority: watch(secrets, tls.caSecretName),
        serving: watch(secrets, tls.servingSecretName),
        webhook: watch(configurations, webhook.configurationName),
      };
    },
    stop: async () => {
      await Promise.all(Object.values(views ?? {}).map((view) => view.stop()));
      await loop?.stop();
      kubernetes.close();
    },
  };
}
