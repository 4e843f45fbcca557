import { ownSecretPrefix } from '#shared/contracts/kubernetes/own-object.ts';

/** Holds what discovery keeps of a Kubernetes Secret: names, never values. */
export interface SecretFact {
  namespace: string;
  name: string;
  /** Empty where it is left out. */
  keys: string[];
  resourceVersion: string;
  /** Which limit it is above: it has too many keys, or there was no room for it in its namespace. */
  leftOut?: 'keys' | 'namespace';
}

/** Names the types of Secrets that no task may ask for: credentials of service accounts, and Helm's state. */
const excludedTypes = new Set(['kubernetes.io/service-account-token', 'helm.sh/release.v1']);

/** Selects the other types, so that the API server does not send such Secrets, of up to 1 MB each. */
export const factFieldSelector = Array.from(excludedTypes, (type) => `type!=${type}`).join(',');

/** Describes the parts of a Secret that are used; the object comes from the API server as JSON. */
export interface SecretObject {
  metadata: { name: string; namespace?: string; resourceVersion?: string };
  type?: string;
  data?: Record<string, string>;
}

/**
 * Projects a Secret onto its fact; undefined for one that is never offered to tasks.
 * @param mostKeys with more it is left out, and nothing of them is kept
 */
export function secretFact(secret: SecretObject, mostKeys: number): SecretFact | undefined {
  const { name, namespace, resourceVersion = '' } = secret.metadata;
  if (namespace === undefined || name.startsWith(ownSecretPrefix)) return undefined;
  if (secret.type !== undefined && excludedTypes.has(secret.type)) return undefined;
  const keys = Object.keys(secret.data ?? {});
  return keys.length > mostKeys
    ? { namespace, name, keys: [], resourceVersion, leftOut: 'keys' }
    : { namespace, name, keys: keys.sort(), resourceVersion };
}
