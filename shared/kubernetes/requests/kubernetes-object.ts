/** The object with which Kubernetes deletes another one. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
}

/** The metadata that latchkey reads or writes; the API server's other fields pass through untouched. */
interface ObjectMetadata {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  deletionTimestamp?: string;
  ownerReferences?: OwnerReference[];
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** Any object of the Kubernetes API as its JSON says it. */
export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMetadata;
}

/** A Secret; the values of `data` are base64. */
export interface Secret extends KubernetesObject {
  type?: string;
  immutable?: boolean;
  data?: Record<string, string>;
}

/** Whether a value of the wire has an object's shape; everything else is skipped by its reader. */
export function isKubernetesObject(value: unknown): value is KubernetesObject {
  if (typeof value !== 'object' || value === null || !('metadata' in value)) return false;
  const { metadata } = value;
  return typeof metadata === 'object' && metadata !== null && 'name' in metadata;
}
