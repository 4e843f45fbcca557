import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { snapshotSecretName } from '#shared/contracts/kubernetes/rules-snapshot.ts';
import {
  configurationNames,
  findWebhookConfiguration,
} from '#shared/installation/find-webhook-configuration.ts';
import type { Lease } from '#shared/kubernetes/election/lease.ts';
import { type EndpointSlice, listEndpointSlices } from '#shared/kubernetes/objects/endpoint-slices.ts';
import { listObjects, readObject } from '#shared/kubernetes/objects/read-objects.ts';
import type { MutatingWebhookConfiguration } from '#shared/kubernetes/objects/webhook-configurations.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import type { KubernetesObject, Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';
import type { FoundConfig, Installation } from '../installation.ts';

/** Holds what was read, or why it could not be. An object that does not exist was read: it is undefined. */
export type Seen<T> = { value: T } | { unseen: string };

/** Mirrors a container of a Pod's status, as far as it is read. */
interface ContainerStatus {
  ready?: boolean;
  restartCount?: number;
  state?: { waiting?: { reason?: string; message?: string } };
}

export interface Pod extends KubernetesObject {
  metadata: KubernetesObject['metadata'] & { creationTimestamp?: string };
  status?: {
    phase?: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: ContainerStatus[];
  };
}

/** Lists the services that elect a leader. */
export const ledServices = ['cert-manager', 'discovery'] as const;

/** Holds everything that the status is made of. */
export interface InstallationFacts {
  namespace: string;
  nowMs: number;
  /**
   * The configuration. With `problem` it is invalid, with `unseen` it could not be read: then the defaults are used.
   */
  found: FoundConfig & { problem?: string; unseen?: string };
  ca: Seen<Secret | undefined>;
  serving: Seen<Secret | undefined>;
  webhook: Seen<MutatingWebhookConfiguration | undefined>;
  /** The objects that have a name that latchkey gives by itself, as far as they may be read. */
  ownNames: readonly MutatingWebhookConfiguration[];
  endpoints: Seen<EndpointSlice[]>;
  pods: Seen<Pod[]>;
  leases: Record<(typeof ledServices)[number], Seen<Lease | undefined>>;
  snapshot: Seen<Secret | undefined>;
}

/**
 * Reads everything at once; what the API server refuses is noted. Uses (get) of secrets, leases and
 * mutatingwebhookconfigurations, (list) of pods and endpointslices.
 * @throws KUBERNETES_REFUSED when the API server does not answer at all
 */
export async function readInstallationFacts(
  { kubernetes, namespace }: Installation,
  found: InstallationFacts['found'],
  nowMs: number,
): Promise<InstallationFacts> {
  const { tls, webhook } = found.config;
  const secret = (name: string) =>
    see(readObject<Secret>(kubernetes, { resource: 'secrets', namespace, name }));
  const lease = (service: string) =>
    see(readObject<Lease>(kubernetes, { resource: 'leases', namespace, name: `latchkey-${service}` }));
  const [ca, serving, configuration, ownNames, endpoints, pods, snapshot, certManager, discovery] =
    await Promise.all([
      secret(tls.caSecretName),
      secret(tls.servingSecretName),
      see(findWebhookConfiguration(kubernetes, webhook)),
      readOwnNames(kubernetes),
      see(listEndpointSlices(kubernetes, namespace, webhook.serviceName)),
      see(
        listObjects<Pod>(kubernetes, { resource: 'pods', namespace }, 'app.kubernetes.io/part-of=latchkey'),
      ),
      secret(snapshotSecretName(0)),
      lease('cert-manager'),
      lease('discovery'),
    ]);
  return {
    namespace,
    nowMs,
    found,
    ca,
    serving,
    webhook: configuration,
    ownNames,
    endpoints,
    pods,
    leases: { 'cert-manager': certManager, discovery },
    snapshot,
  };
}

async function readOwnNames(kubernetes: Kubernetes): Promise<MutatingWebhookConfiguration[]> {
  const read = await Promise.all(
    configurationNames({ configurationName: undefined }).map((configurationName) =>
      see(findWebhookConfiguration(kubernetes, { configurationName })),
    ),
  );
  return read.flatMap((object) => ('value' in object ? (object.value ?? []) : []));
}

async function see<T>(reading: Promise<T>): Promise<Seen<T>> {
  try {
    return { value: await reading };
  } catch (err) {
    // Without any answer there is nothing to tell about.
    if (!(err instanceof LatchkeyError) || err.fields.statusCode === 0) throw err;
    return { unseen: unseenReason(err) };
  }
}

/** Says why a read was refused; the API server's own sentence about a missing right names everything twice. */
export function unseenReason({ fields, message }: LatchkeyError): string {
  if (fields.statusCode !== 403) return message;
  return ['you may not', fields.verb, fields.resource, fields.name].filter(Boolean).join(' ');
}
