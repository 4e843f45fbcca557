import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { resourcePath } from '#shared/kubernetes/requests/resource-path.ts';

const secretPath = (namespace: string | undefined, name?: string): string =>
  resourcePath({
    resource: 'secrets',
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  });

/**
 * Reads one Secret. Uses (get, secrets).
 * @throws KUBERNETES_NOT_FOUND when there is none of that name
 */
export async function readSecret(kubernetes: Kubernetes, namespace: string, name: string): Promise<Secret> {
  return (await kubernetes.json({ verb: 'get', path: secretPath(namespace, name) })) as Secret;
}

/**
 * Creates a Secret and returns it as stored. Uses (create, secrets).
 * @throws KUBERNETES_EXISTS when one of that name is there
 */
export async function createSecret(kubernetes: Kubernetes, secret: Secret): Promise<Secret> {
  const path = secretPath(secret.metadata.namespace);
  return (await kubernetes.json({ verb: 'create', path, body: withKind(secret) })) as Secret;
}

/**
 * Replaces a Secret and returns it as stored. Uses (update, secrets).
 * `metadata.resourceVersion` is the precondition: throws KUBERNETES_CONFLICT when the Secret has changed since,
 * KUBERNETES_NOT_FOUND when it is gone, KUBERNETES_REFUSED with statusCode 422 when it is immutable.
 */
export async function replaceSecret(
  kubernetes: Kubernetes,
  secret: Secret & { metadata: { resourceVersion: string } },
): Promise<Secret> {
  const path = secretPath(secret.metadata.namespace, secret.metadata.name);
  return (await kubernetes.json({ verb: 'update', path, body: withKind(secret) })) as Secret;
}

/**
 * Sets annotations of exactly the Secret that was seen and returns it as stored. Uses (patch, secrets).
 * @throws KUBERNETES_CONFLICT when it has changed since
 * @throws KUBERNETES_NOT_FOUND when it is gone
 */
export async function annotateSecret(
  kubernetes: Kubernetes,
  { namespace, name, resourceVersion }: Secret['metadata'],
  annotations: Readonly<Record<string, string>>,
): Promise<Secret> {
  return (await kubernetes.json({
    verb: 'patch',
    path: secretPath(namespace, name),
    body: { metadata: { resourceVersion, annotations } },
    contentType: 'application/merge-patch+json',
  })) as Secret;
}

/**
 * Deletes exactly the Secret that was seen. Uses (delete, secrets).
 * @throws KUBERNETES_CONFLICT when it has changed or is another one of that name
 * @throws KUBERNETES_NOT_FOUND when it is gone
 */
export async function deleteSecret(
  kubernetes: Kubernetes,
  { namespace, name, uid, resourceVersion }: Secret['metadata'],
): Promise<void> {
  await kubernetes.json({
    verb: 'delete',
    path: secretPath(namespace, name),
    body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } },
  });
}

const withKind = (secret: Secret): Secret => ({ ...secret, apiVersion: 'v1', kind: 'Secret' });
