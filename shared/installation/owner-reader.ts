import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { ownObjectLabel } from '#shared/contracts/kubernetes/own-object.ts';
import { readObject } from '#shared/kubernetes/objects/read-objects.ts';
import type {
  JsonPatchOperation,
  MutatingWebhookConfiguration,
} from '#shared/kubernetes/objects/webhook-configurations.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import type { OwnerReference } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { pausedAnnotation } from './webhook-configuration.ts';

/** Names the ClusterRole of deploy/cert-manager.yaml, with whose end Kubernetes deletes the webhook configuration. */
export const ownerName = 'latchkey-cert-manager';

const ownerType = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole' } as const;

/** Reads the owner of what cert-manager creates; undefined where there is none, or it may not be read. */
export type OwnerReader = () => Promise<OwnerReference | undefined>;

/**
 * Creates a reader that remembers the owner. In a removal the ClusterRole goes while cert-manager still runs: what that creates then has
 * an owner that is no more, and is deleted again. Uses (get) of clusterroles.
 */
export function createOwnerReader(kubernetes: Kubernetes): OwnerReader {
  let known: OwnerReference | undefined;
  return async () => {
    const role = await readObject(kubernetes, { resource: 'clusterroles', name: ownerName }).catch(
      (err: unknown) => {
        if (err instanceof LatchkeyError) return undefined;
        throw err;
      },
    );
    const uid = role?.metadata.uid;
    if (uid !== undefined) known = { ...ownerType, name: ownerName, uid };
    return known;
  };
}

/**
 * Plans that an object of ours gets its owner; nothing for one that others created, which has to outlive us. The
 * patch is apart from every repair: the admission plugin OwnerReferencesPermissionEnforcement refuses a change of owners to
 * whoever may not delete the object.
 */
export function planOwner(
  { metadata }: MutatingWebhookConfiguration,
  owner: OwnerReference | undefined,
  { manage }: Pick<LatchkeyConfig['webhook'], 'manage'>,
): JsonPatchOperation[] {
  const isOurs = Object.entries(ownObjectLabel).every(([label, value]) => metadata.labels?.[label] === value);
  const { ownerReferences = [], resourceVersion } = metadata;
  if (!manage || metadata.annotations?.[pausedAnnotation] !== undefined) return [];
  if (owner === undefined || !isOurs || ownerReferences.some(({ uid }) => uid === owner.uid)) return [];
  const others = ownerReferences.filter(({ kind, name }) => kind !== owner.kind || name !== owner.name);
  return [
    { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
    { op: 'add', path: '/metadata/ownerReferences', value: [...others, owner] },
  ];
}
