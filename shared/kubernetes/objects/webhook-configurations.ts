import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import type { KubernetesObject } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { resourcePath } from '#shared/kubernetes/requests/resource-path.ts';

/** One entry of `webhooks`; only what is compared or patched by name is typed. */
export interface MutatingWebhook {
  name: string;
  clientConfig: { caBundle?: string; [field: string]: unknown };
  [field: string]: unknown;
}

export interface MutatingWebhookConfiguration extends KubernetesObject {
  webhooks?: MutatingWebhook[];
}

/** One operation of RFC 6902. */
export interface JsonPatchOperation {
  op: 'test' | 'add' | 'replace' | 'remove';
  path: string;
  /** Not with `remove`. */
  value?: unknown;
}

/**
 * Creates the object and returns it as stored. Uses (create, mutatingwebhookconfigurations).
 * @throws KUBERNETES_EXISTS when one of that name is there
 */
export async function createWebhookConfiguration(
  kubernetes: Kubernetes,
  configuration: MutatingWebhookConfiguration,
): Promise<MutatingWebhookConfiguration> {
  const path = resourcePath({ resource: 'mutatingwebhookconfigurations' });
  return (await kubernetes.json({
    verb: 'create',
    path,
    body: configuration,
  })) as MutatingWebhookConfiguration;
}

/**
 * Applies a JSON Patch and returns the object as stored. Uses (patch, mutatingwebhookconfigurations).
 * Throws KUBERNETES_CONFLICT when the patch does not fit what is there, because somebody else came first: the API server
 * answers a `test` operation that does not hold with 422, reason Invalid.
 */
export async function patchWebhookConfiguration(
  kubernetes: Kubernetes,
  name: string,
  operations: readonly JsonPatchOperation[],
): Promise<MutatingWebhookConfiguration> {
  const path = resourcePath({ resource: 'mutatingwebhookconfigurations', name });
  const call = { verb: 'patch', path, body: operations, contentType: 'application/json-patch+json' } as const;
  const answer = kubernetes.json(call).catch((err: unknown) => {
    if (!(err instanceof LatchkeyError) || err.fields.statusCode !== 422) throw err;
    const message = `${err.message}: MutatingWebhookConfiguration ${name} was changed meanwhile`;
    throw new LatchkeyError('KUBERNETES_CONFLICT', message, { cause: err, fields: err.fields });
  });
  return (await answer) as MutatingWebhookConfiguration;
}
