import type { Logger } from 'pino';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { configurationNames } from '#shared/installation/find-webhook-configuration.ts';
import { endpointSliceSelector } from '#shared/kubernetes/objects/endpoint-slices.ts';
import { createReflector } from '#shared/kubernetes/reflector/reflector.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { resourcePath } from '#shared/kubernetes/requests/resource-path.ts';
import type { Clock } from '#shared/runtime/clock.ts';

/**
 * Calls `onChange` whenever one of the objects that certificates depend on may have changed. No content is kept, because
 * each reconcile reads the objects itself. Returns the function that ends it. Uses (list, watch) of both Secrets, of the
 * webhook configuration and of endpointslices; with the field selector the API server authorises by resourceNames.
 */
export function watchForChanges(options: {
  kubernetes: Kubernetes;
  config: LatchkeyConfig;
  namespace: string;
  onChange: () => void;
  log: Logger;
  clock: Clock;
}): () => Promise<void> {
  const { kubernetes, config, namespace, onChange, log, clock } = options;
  const { tls, webhook } = config;
  const secrets = resourcePath({ resource: 'secrets', namespace });
  const named = (name: string) => ({ fieldSelector: `metadata.name=${name}` });
  const ownSecrets =
    tls.issuer === 'latchkey' ? [tls.caSecretName, tls.servingSecretName] : [tls.servingSecretName];
  const targets = [
    ...ownSecrets.map((name) => ({ path: secrets, ...named(name) })),
    ...configurationNames(webhook).map((name) => ({
      path: resourcePath({ resource: 'mutatingwebhookconfigurations' }),
      ...named(name),
    })),
    {
      path: resourcePath({ resource: 'endpointslices', namespace }),
      labelSelector: endpointSliceSelector(webhook.serviceName),
    },
  ];
  const reflectors = targets.map((target) =>
    createReflector({
      kubernetes,
      ...target,
      transform: ({ metadata }) => ({ key: metadata.name, value: metadata.resourceVersion }),
      onChange,
      log,
      clock,
    }),
  );
  return async () => {
    await Promise.all(reflectors.map((reflector) => reflector.stop()));
  };
}
