import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { findWebhookConfiguration } from '#shared/installation/find-webhook-configuration.ts';
import type { OwnerReader } from '#shared/installation/owner-reader.ts';
import { type EndpointSlice, listEndpointSlices } from '#shared/kubernetes/objects/endpoint-slices.ts';
import { readObject } from '#shared/kubernetes/objects/read-objects.ts';
import type { MutatingWebhookConfiguration } from '#shared/kubernetes/objects/webhook-configurations.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import type { OwnerReference, Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { WebhookRepairs } from './webhook-repairs.ts';

/** Passes before an object is read again that may not be read, ms: nothing tells that the right was given. */
export const unseenRecheckMs = 10_000;

/** Discards an observation that took longer: it is as old as its first read. */
export const longestObservationMs = 10_000;

/** Holds the objects as they were read; each write has the resourceVersion read here as its precondition. */
export interface ObservedState {
  serving: Secret | undefined;
  /** As {@link WebhookRepairs.planned} returns it. */
  webhook: MutatingWebhookConfiguration | undefined;
  /** Why this process may not read an object, which is then undefined above: a right is missing. */
  unseen: { serving: string | undefined; webhook: string | undefined };
  /** The slices of the gateway's Service, or why they cannot be read. */
  slices: EndpointSlice[] | string;
  /** What the webhook configuration is deleted with, where that may be read. */
  owner: OwnerReference | undefined;
  ca: Secret | undefined;
}

export interface ObserveOptions {
  kubernetes: Kubernetes;
  config: LatchkeyConfig;
  namespace: string;
  clock: Clock;
  readOwner: OwnerReader;
  repairs: Pick<WebhookRepairs, 'planned'>;
}

/**
 * Reads all objects from the API server, the CA Secret last. So a write that is based on a stale CA fails with a
 * resourceVersion conflict, because the owner of the newer CA has changed that object. Uses (get) of secrets and
 * mutatingwebhookconfigurations, (list) of endpointslices, and what {@link OwnerReader} uses.
 * @throws KUBERNETES_REFUSED when the reads took longer than {@link longestObservationMs}
 */
export async function observe(options: ObserveOptions): Promise<ObservedState> {
  const begunMs = options.clock.monotonicMs();
  const state = await readObjects(options);
  const tookMs = options.clock.monotonicMs() - begunMs;
  if (tookMs <= longestObservationMs) return state;
  throw new LatchkeyError(
    'KUBERNETES_REFUSED',
    `the API server took ${Math.round(tookMs)} ms for the Secrets, the webhook configuration and the endpoints: too long to act on`,
    { fields: { tookMs: Math.round(tookMs) } },
  );
}

async function readObjects({
  kubernetes,
  config,
  namespace,
  readOwner,
  repairs,
}: ObserveOptions): Promise<ObservedState> {
  const { tls, webhook } = config;
  const secretNamed = (name: string) =>
    readObject<Secret>(kubernetes, { resource: 'secrets', namespace, name });
  const [serving, configuration, slices, owner] = await Promise.all([
    seeIfAllowed(secretNamed(tls.servingSecretName), 'tls.servingSecretName'),
    seeIfAllowed(findWebhookConfiguration(kubernetes, webhook), 'webhook.configurationName'),
    // Only the rotation needs them.
    listEndpointSlices(kubernetes, namespace, webhook.serviceName).catch(
      (err: unknown) => `the endpoints cannot be read: ${err instanceof Error ? err.message : err}`,
    ),
    readOwner(),
  ]);
  return {
    serving: serving.object,
    webhook: repairs.planned(configuration.object),
    unseen: { serving: serving.unseen, webhook: configuration.unseen },
    slices,
    owner,
    ca: await secretNamed(tls.caSecretName),
  };
}

/** Reads an object without which the rest can go on. Nothing is known without the CA, so that is read otherwise. */
async function seeIfAllowed<T>(
  reading: Promise<T | undefined>,
  field: string,
): Promise<{ object: T | undefined; unseen: string | undefined }> {
  try {
    return { object: await reading, unseen: undefined };
  } catch (err) {
    if (!(err instanceof LatchkeyError) || err.fields.statusCode !== 403) throw err;
    const { resource, name } = err.fields;
    const unseen = `cert-manager may not get ${resource} ${name} (${field}): allow it in the resourceNames of its role`;
    return { object: undefined, unseen };
  }
}
