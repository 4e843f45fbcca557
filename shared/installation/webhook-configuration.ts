import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { ownObjectLabel } from '#shared/contracts/kubernetes/own-object.ts';
import { webhookPath } from '#shared/contracts/kubernetes/webhook-path.ts';
import type {
  JsonPatchOperation,
  MutatingWebhook,
  MutatingWebhookConfiguration,
} from '#shared/kubernetes/objects/webhook-configurations.ts';
import type { OwnerReference } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { excludedNamespaces } from './excluded-namespaces.ts';
import { adoptEntry, isOwnedByOthers, restoreOriginal, targetsOtherService } from './webhook-adoption.ts';
import { findWebhookDrift } from './webhook-drift.ts';

/** Names our entry as Flyte does, since its users know the name (docs/reference/flyte.md F1). */
export const webhookName = 'flyte-pod-webhook.flyte.org';

/**
 * Names our object where latchkey.yaml does not. API servers call webhooks in the order of these names: who adds
 * containers, an identity or Vault's agent has to come later.
 */
export const usualConfigurationName = '0-latchkey';

/** Name that 0.1.0 gave the object; where it exists it is kept. */
export const formerConfigurationName = 'latchkey';

/** Names the annotation that stops every repair of the object: the way to admit pods unchanged for a while. */
export const pausedAnnotation = 'latchkey.dev/paused';

/** Stands for the whole object in a list of fields: it was deleted. */
export const wholeObject = 'metadata.name';

type WebhookConfig = LatchkeyConfig['webhook'];

/** Makes our entry, with every field that the API server would default written out. `bundle` is PEM. */
export function desiredWebhook(config: WebhookConfig, namespace: string, bundle: string): MutatingWebhook {
  return {
    name: webhookName,
    admissionReviewVersions: ['v1'],
    clientConfig: { ...clientConfigOf(config, namespace), caBundle: toBase64(bundle) },
    rules: [
      {
        apiGroups: [''],
        apiVersions: ['v1'],
        operations: ['CREATE'],
        resources: ['pods'],
        scope: 'Namespaced',
      },
    ],
    failurePolicy: config.failurePolicy,
    matchPolicy: 'Equivalent',
    objectSelector: { matchLabels: { 'inject-flyte-secrets': 'true' } },
    namespaceSelector: {
      matchExpressions: [
        {
          key: 'kubernetes.io/metadata.name',
          operator: 'NotIn',
          values: excludedNamespaces(config, namespace),
        },
      ],
    },
    sideEffects: 'None',
    timeoutSeconds: config.timeoutSeconds,
    reinvocationPolicy: 'Never',
  };
}

/** Returns the name of the object that exists, or of the one to be created. */
export const configurationNameOf = (
  { configurationName }: Pick<WebhookConfig, 'configurationName'>,
  existing?: MutatingWebhookConfiguration,
): string => existing?.metadata.name ?? configurationName ?? usualConfigurationName;

/** Makes the whole object, to be created. */
export const desiredWebhookConfiguration = (
  config: WebhookConfig,
  namespace: string,
  bundle: string,
  owner?: OwnerReference,
): MutatingWebhookConfiguration => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: {
    name: configurationNameOf(config),
    labels: ownObjectLabel,
    ...(owner === undefined ? {} : { ownerReferences: [owner] }),
  },
  webhooks: [desiredWebhook(config, namespace, bundle)],
});

/**
 * Plans the JSON Patch that repairs our entry. It is empty when there is nothing to repair, when the object is
 * paused, and when the entry is not ours to change: one of Flyte's is replaced with `adopt` only, and restored
 * without, if it can be restored. Our entry is found by name. The patch tests the resourceVersion and the position of
 * the entry, since another writer may reorder the list at the same moment. Only fields that differ are written.
 * @param deferred fields, as `repairedFields` names them, that are left for now
 */
export function planRepair(
  existing: MutatingWebhookConfiguration,
  config: WebhookConfig,
  namespace: string,
  bundle: string,
  deferred: ReadonlySet<string> = new Set(),
): JsonPatchOperation[] {
  if (existing.metadata.annotations?.[pausedAnnotation] !== undefined) return [];
  const index = (existing.webhooks ?? []).findIndex(({ name }) => name === webhookName);
  const planned = planChanges(existing, index, config, desiredWebhook(config, namespace, bundle));
  const changes = withoutDeferred(planned, deferred);
  if (changes.length === 0) return [];
  const { resourceVersion } = existing.metadata;
  const sameObject: JsonPatchOperation = {
    op: 'test',
    path: '/metadata/resourceVersion',
    value: resourceVersion,
  };
  const sameEntry: JsonPatchOperation = { op: 'test', path: `/webhooks/${index}/name`, value: webhookName };
  return index === -1 ? [sameObject, ...changes] : [sameObject, sameEntry, ...changes];
}

function planChanges(
  existing: MutatingWebhookConfiguration,
  index: number,
  config: WebhookConfig,
  desired: MutatingWebhook,
): JsonPatchOperation[] {
  const webhooks = existing.webhooks ?? [];
  const entry = webhooks[index];
  if (!config.manage) {
    if (entry !== undefined && targetsOtherService(entry, desired)) return [];
    return [repairBundle(entry, index, desired) ?? []].flat();
  }
  const returned = config.adopt ? undefined : restoreOriginal(existing, index, webhookName);
  if (returned !== undefined) return returned;
  if (entry !== undefined && isOwnedByOthers(existing, entry, desired)) {
    return config.adopt ? adoptEntry(existing, index, entry, desired) : [];
  }
  return repairEntry(webhooks, index, desired);
}

/**
 * Drops the changes of deferred fields. An entry and the annotation that stores it are written together or not at
 * all.
 */
function withoutDeferred(changes: JsonPatchOperation[], deferred: ReadonlySet<string>): JsonPatchOperation[] {
  const written = changes.filter((change) => !deferred.has(fieldOf(change)));
  const isExchange = changes.some(({ path }) => path === '/metadata/annotations');
  return isExchange && written.length < changes.length ? [] : written;
}

const fieldOf = ({ path }: JsonPatchOperation): string =>
  path
    .replace(/^\/webhooks\/[^/]+(?=\/)/, '/webhooks')
    .slice(1)
    .replaceAll('/', '.')
    .replace(/\.[-0-9]+$/, '');

/**
 * Lists the fields that a patch of {@link planRepair} writes: `webhooks` (the whole entry), `webhooks.failurePolicy`.
 */
export const repairedFields = (operations: readonly JsonPatchOperation[]): string[] =>
  operations.filter(({ op }) => op !== 'test').map(fieldOf);

function repairEntry(
  webhooks: readonly MutatingWebhook[],
  index: number,
  desired: MutatingWebhook,
): JsonPatchOperation[] {
  if (webhooks.length === 0) return [{ op: 'add', path: '/webhooks', value: [desired] }];
  const entry = webhooks[index];
  if (entry === undefined) return [{ op: 'add', path: '/webhooks/-', value: desired }];
  return findWebhookDrift(entry, desired).map(({ field, value }) => {
    const path = `/webhooks/${index}/${field.replaceAll('.', '/')}`;
    return value === undefined ? { op: 'remove', path } : { op: 'add', path, value };
  });
}

function repairBundle(
  webhook: MutatingWebhook | undefined,
  index: number,
  desired: MutatingWebhook,
): JsonPatchOperation | undefined {
  const { caBundle } = desired.clientConfig;
  if (webhook === undefined || webhook.clientConfig.caBundle === caBundle) return undefined;
  return { op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: caBundle };
}

/** Returns why the object is left as it is, one sentence; undefined when it can be created or repaired. */
export function skipReason(
  existing: MutatingWebhookConfiguration | undefined,
  config: WebhookConfig,
  namespace: string,
): string | undefined {
  const object = `MutatingWebhookConfiguration ${configurationNameOf(config, existing)}`;
  if (existing === undefined) {
    return config.manage ? undefined : `waiting for ${object}, which webhook.manage: false leaves to others`;
  }
  if (existing.metadata.annotations?.[pausedAnnotation] !== undefined) {
    return `${object} is paused by its annotation ${pausedAnnotation}`;
  }
  const entry = existing.webhooks?.find(({ name }) => name === webhookName);
  const desired = desiredWebhook(config, namespace, '');
  if (!config.manage) {
    if (entry === undefined) {
      return `waiting for the webhook ${webhookName} in ${object}, which webhook.manage: false leaves to others`;
    }
    return targetsOtherService(entry, desired)
      ? `refusing ${object}: its webhook ${webhookName} calls somebody else than webhook.serviceName or webhook.url; name another object in webhook.configurationName`
      : undefined;
  }
  const isTheirs = entry !== undefined && isOwnedByOthers(existing, entry, desired);
  return isTheirs && !config.adopt
    ? `leaving ${object} alone: its webhook ${webhookName} is somebody else's, and webhook.adopt is false`
    : undefined;
}

/** Returns the bundle with which the API server calls us now, as PEM; undefined when it does not call us. */
export function trustedBundle(
  existing: MutatingWebhookConfiguration | undefined,
  config: WebhookConfig,
  namespace: string,
): string | undefined {
  const webhook = existing?.webhooks?.find(({ name }) => name === webhookName);
  if (existing === undefined || webhook === undefined) return undefined;
  const desired = desiredWebhook(config, namespace, '');
  const isTheirs = config.manage
    ? isOwnedByOthers(existing, webhook, desired)
    : targetsOtherService(webhook, desired);
  if (isTheirs) return undefined;
  return Buffer.from(webhook.clientConfig.caBundle ?? '', 'base64').toString('utf8');
}

function clientConfigOf(config: WebhookConfig, namespace: string): Record<string, unknown> {
  if (config.url === undefined) {
    return { service: { namespace, name: config.serviceName, path: webhookPath, port: config.servicePort } };
  }
  const url = new URL(config.url);
  if (url.pathname === '/') url.pathname = webhookPath;
  return { url: url.href };
}

const toBase64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
