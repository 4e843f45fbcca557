import { isDeepStrictEqual } from 'node:util';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import type { Secret } from '#shared/kubernetes/kubernetes-object.ts';
import { createSecret, deleteSecret, replaceSecret } from '#shared/kubernetes/secrets.ts';

/**
 * Makes a Secret that is there equal to `desired`; returns whether anything was written. Uses (update) of secrets alone:
 * who may create any Secret beside other service accounts can have their tokens made, and RBAC cannot limit that by name.
 * What was seen is the precondition: throws KUBERNETES_CONFLICT or KUBERNETES_NOT_FOUND when another writer came first,
 * and the caller looks again; CERTIFICATE_INVALID when there is none, or it is immutable, which an operator has to mend.
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
 * The same with the rights of an operator: makes one that is missing, and deletes one that is immutable, exactly the one
 * that was seen, to make it anew. Uses (create, update, delete) of secrets. Throws KUBERNETES_EXISTS, too, when another
 * writer came first.
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

/** Why nobody but an operator can write this Secret, and what he has to do; undefined when it can be written. */
export function unwritableReason(name: string, existing: Secret | undefined): string | undefined {
  if (existing !== undefined && existing.immutable !== true) return undefined;
  const problem =
    existing === undefined ? `there is no Secret ${name}` : `Secret ${name} is immutable: delete it`;
  return `${problem}; apply deploy/certificate-secrets.yaml, which makes it empty, and cert-manager fills it`;
}

/** Without what the server gave to the deleted object. */
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
