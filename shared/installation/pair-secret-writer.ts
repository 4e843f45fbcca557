import { isDeepStrictEqual } from 'node:util';
import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import type { Secret } from '#shared/kubernetes/kubernetes-object.ts';
import { createSecret, deleteSecret, replaceSecret } from '#shared/kubernetes/secrets.ts';

/**
 * Makes the stored Secret equal to `desired`; returns whether anything was written. Uses (create, update, delete) of
 * secrets. Every write has what was seen as its precondition: throws KUBERNETES_CONFLICT, KUBERNETES_EXISTS or
 * KUBERNETES_NOT_FOUND when another writer came first, and the caller looks again.
 * An immutable Secret cannot be updated: exactly the one that was seen is deleted, and made anew.
 */
export async function writeSecret(
  kubernetes: Kubernetes,
  desired: Secret,
  existing: Secret | undefined,
): Promise<boolean> {
  if (existing === undefined) {
    await createSecret(kubernetes, desired);
    return true;
  }
  if (isDeepStrictEqual(desired, existing)) return false;
  if (existing.immutable === true) {
    await deleteSecret(kubernetes, existing.metadata);
    await createSecret(kubernetes, asNew(desired));
    return true;
  }
  const { resourceVersion = '' } = existing.metadata;
  await replaceSecret(kubernetes, { ...desired, metadata: { ...desired.metadata, resourceVersion } });
  return true;
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
