import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import type { KubernetesObject } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { resourcePath } from '#shared/kubernetes/requests/resource-path.ts';

/** Who leads, as coordination.k8s.io/v1 says it; times are RFC 3339 with microseconds. */
export interface LeaseSpec {
  /** Absent or empty: nobody. */
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  /** How often the holder has changed. */
  leaseTransitions?: number;
}

export interface Lease extends KubernetesObject {
  spec?: LeaseSpec;
}

const leasePath = (namespace: string | undefined, name: string): string =>
  resourcePath({ resource: 'leases', name, ...(namespace === undefined ? {} : { namespace }) });

/**
 * Reads a Lease. Uses (get, leases).
 * @throws KUBERNETES_NOT_FOUND when there is none
 */
export async function readLease(
  kubernetes: Kubernetes,
  { namespace, name }: { namespace: string; name: string },
  signal: AbortSignal,
): Promise<Lease> {
  return (await kubernetes.json({ verb: 'get', path: leasePath(namespace, name) }, signal)) as Lease;
}

/**
 * Replaces a Lease and returns it as stored. Uses (update, leases).
 * @throws KUBERNETES_CONFLICT when the Lease has changed since: `metadata.resourceVersion` is the precondition
 */
export async function replaceLease(
  kubernetes: Kubernetes,
  lease: Lease,
  signal: AbortSignal,
): Promise<Lease> {
  const { namespace, name } = lease.metadata;
  const body = { ...lease, apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' };
  return (await kubernetes.json({ verb: 'update', path: leasePath(namespace, name), body }, signal)) as Lease;
}
