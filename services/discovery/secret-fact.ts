import { ownSecretPrefix } from '#shared/contracts/own-object.ts';

/** What discovery keeps of a Kubernetes Secret: names, never values. */
export interface SecretFact {
  namespace: string;
  name: string;
  keys: string[];
  resourceVersion: string;
}

/** Secrets that no task may ask for: credentials of service accounts, Helm's state, and what latchkey itself keeps. */
const excludedTypes = new Set(['kubernetes.io/service-account-token', 'helm.sh/release.v1']);

/** The parts of a Secret that count here; the object comes from the API server as JSON. */
export interface SecretObject {
  metadata: { name: string; namespace?: string; resourceVersion?: string };
  type?: string;
  data?: Record<string, string>;
}

/** Projects a Secret onto its fact; undefined for one that is never offered to tasks. */
export function secretFact(secret: SecretObject): SecretFact | undefined {
  const { name, namespace, resourceVersion } = secret.metadata;
  if (namespace === undefined || name.startsWith(ownSecretPrefix)) return undefined;
  if (secret.type !== undefined && excludedTypes.has(secret.type)) return undefined;
  return {
    namespace,
    name,
    keys: Object.keys(secret.data ?? {}).sort(),
    resourceVersion: resourceVersion ?? '',
  };
}
