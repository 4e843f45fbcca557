import { isDeepStrictEqual } from 'node:util';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { createSecret, deleteSecret, replaceSecret } from '#shared/kubernetes/objects/secrets.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';

/**
 * Updates an existing Secret to `desired`; returns whether anything was written. Uses (update) of secrets alone: a
 * right to create Secrets is a right to the tokens of other service accounts, and RBAC cannot limit it by name. The
 * resourceVersion that was read is the precondition.
 * @throws KUBERNETES_CONFLICT or KUBERNETES_NOT_FOUND when another writer came first; the caller observes again
 * @throws CERTIFICATE_INVALID when there is no Secret or it is immutable, which an operator has to change
 */
export async function updateSecret(
  kubernetes: Kubernetes,
  desired: Secret,
  existing: Secret | undefined,
): Promise<boolean> {
  const { name } = desired.metadata;
  if (isDeepStrictEqual(desired, existing)) return false;
  const problem = unwritableReason(name, existing);
  if (problem !== undefined || existing === undefined)
    throw new LatchkeyError('CERTIFICATE_INVALID', problem ?? '');
  const { resourceVersion = '' } = existing.metadata;
  await replaceSecret(kubernetes, { ...desired, metadata: { ...desired.metadata, resourceVersion } });
  return true;
}

/**
 * Writes a Secret with the rights of an operator. It creates a missing one, and replaces an immutable one by deleting
 * exactly the one that was read. Uses (create, update, delete) of secrets.
 * @throws KUBERNETES_EXISTS when another writer came first, besides what {@link updateSecret} throws
 */
export async function writeSecret(
  kubernetes: Kubernetes,
  desired: Secret,
  existing: Secret | undefined,
): Promise<boolean> {
  if (existing !== undefined && (existing.immutable !== true || isDeepStrictEqual(desired, existing))) {
    return updateSecret(kubernetes, desired, existing);
  }
  if (existing !== undefined) await deleteSecret(kubernetes, existing.metadata);
  await createSecret(kubernetes, asNew(desired));
  return true;
}

/** Returns why only an operator can write this Secret, and the remedy; undefined when it can be written. */
export function unwritableReason(name: string, existing: Secret | undefined): string | undefined {
  if (existing !== undefined && existing.immutable !== true) return undefined;
  const problem =
    existing === undefined ? `there is no Secret ${name}` : `Secret ${name} is immutable: delete it`;
  return `${problem}; apply deploy/certificate-secrets.yaml, which makes it empty, and cert-manager fills it`;
}

/** Drops what the server added to the deleted object. */
function asNew({ type, data, metadata }: Secret): Secret {
  const { name, namespace, labels, annotations } = metadata;
  return {
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    ...(type === undefined ? {} : { type }),
    ...(data === undefined ? {} : { data }),
  };
}
