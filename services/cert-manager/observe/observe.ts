import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import type { Secret } from '#shared/kubernetes/kubernetes-object.ts';
import { listObjects, readObject } from '#shared/kubernetes/read-objects.ts';
import type { MutatingWebhookConfiguration } from '#shared/kubernetes/webhook-configurations.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { longestLookMs } from '../decide/steady-conditions.ts';
import { type EndpointSlice, serviceSelector } from './join-endpoints.ts';

/** What stands in the cluster. Every write has the version that was seen here as its precondition. */
export interface Look {
  serving: Secret | undefined;
  webhook: MutatingWebhookConfiguration | undefined;
  /** A sentence when they cannot be read. */
  slices: EndpointSlice[] | string;
  ca: Secret | undefined;
}

export interface LookOptions {
  kubernetes: Kubernetes;
  config: LatchkeyConfig;
  namespace: string;
  clock: Clock;
}

/**
 * Reads everything anew, the CA Secret last: whoever writes another object on the strength of an older CA meets a
 * version that the owner of the newer one has changed. Uses (get) of secrets and mutatingwebhookconfigurations, (list)
 * of endpointslices. Throws KUBERNETES_REFUSED when it took so long that the first part is old.
 */
export async function lookAtCluster(options: LookOptions): Promise<Look> {
  const begunMs = options.clock.monotonicMs();
  const look = await lookOnce(options);
  const tookMs = options.clock.monotonicMs() - begunMs;
  if (tookMs <= longestLookMs) return look;
  throw new LatchkeyError(
    'KUBERNETES_REFUSED',
    `the API server took ${Math.round(tookMs)} ms for the Secrets, the webhook configuration and the endpoints: too long to act on`,
    { fields: { tookMs: Math.round(tookMs) } },
  );
}

async function lookOnce({ kubernetes, config, namespace }: LookOptions): Promise<Look> {
  const { tls, webhook } = config;
  const secretNamed = (name: string) =>
    readObject<Secret>(kubernetes, { resource: 'secrets', namespace, name });
  const [serving, configuration, slices] = await Promise.all([
    secretNamed(tls.servingSecretName),
    readObject<MutatingWebhookConfiguration>(kubernetes, {
      resource: 'mutatingwebhookconfigurations',
      name: webhook.configurationName,
    }),
    // All but the rotation works without them.
    listObjects<EndpointSlice>(
      kubernetes,
      { resource: 'endpointslices', namespace },
      serviceSelector(webhook.serviceName),
    ).catch((err: unknown) => `the endpoints cannot be read: ${err instanceof Error ? err.message : err}`),
  ]);
  return { serving, webhook: configuration, slices, ca: await secretNamed(tls.caSecretName) };
}
