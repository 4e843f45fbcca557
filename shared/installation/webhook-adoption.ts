import { isDeepStrictEqual } from 'node:util';
import { ownObjectLabel } from '#shared/contracts/kubernetes/own-object.ts';
import { isObject, member } from '#shared/core/text/json-object.ts';
import type {
  JsonPatchOperation,
  MutatingWebhook,
  MutatingWebhookConfiguration,
} from '#shared/kubernetes/objects/webhook-configurations.ts';

/** Names the annotation that holds, as JSON, the entry of Flyte's that ours replaced. */
export const webhookAdoptionAnnotation = 'latchkey.dev/adopted';

/**
 * Tells whether others own the entry: the object was not created by us, and the entry calls another address. Flyte's
 * own webhook has our entry's name.
 */
export function isOwnedByOthers(
  configuration: MutatingWebhookConfiguration,
  entry: MutatingWebhook | undefined,
  desired: MutatingWebhook,
): boolean {
  if (entry === undefined || storedEntry(configuration, desired.name) !== undefined) return false;
  return !isMadeByUs(configuration) && !isDeepStrictEqual(addressOf(entry), addressOf(desired));
}

const isMadeByUs = ({ metadata: { labels } }: MutatingWebhookConfiguration): boolean =>
  Object.entries(ownObjectLabel).every(([label, value]) => labels?.[label] === value);

/** Tells whether an entry calls another Service or host than ours. */
export function targetsOtherService(entry: MutatingWebhook, desired: MutatingWebhook): boolean {
  return !isDeepStrictEqual(calleeOf(entry), calleeOf(desired));
}

/** Returns what an entry calls, without path and port, which its owner may choose. */
function calleeOf({ clientConfig: { service, url } }: MutatingWebhook): object {
  if (typeof url === 'string') return { host: URL.parse(url)?.host };
  const { namespace, name } = (service ?? {}) as Record<string, unknown>;
  return { namespace, name };
}

function addressOf({ clientConfig }: MutatingWebhook): object {
  const { caBundle: _, ...address } = clientConfig;
  return address;
}

/** Replaces the entry of others by ours, and stores theirs in an annotation in the same patch. */
export const adoptEntry = (
  { metadata }: MutatingWebhookConfiguration,
  index: number,
  entry: MutatingWebhook,
  desired: MutatingWebhook,
): JsonPatchOperation[] => [
  { op: 'replace', path: `/webhooks/${index}`, value: desired },
  annotate({ ...metadata.annotations, [webhookAdoptionAnnotation]: JSON.stringify(entry) }),
];

/** Restores the stored entry in the place of ours; returns undefined when none is stored that can be restored. */
export function restoreOriginal(
  configuration: MutatingWebhookConfiguration,
  index: number,
  name: string,
): JsonPatchOperation[] | undefined {
  const entry = storedEntry(configuration, name);
  if (entry === undefined) return undefined;
  const { [webhookAdoptionAnnotation]: _, ...annotations } = configuration.metadata.annotations ?? {};
  const place: JsonPatchOperation =
    index === -1
      ? { op: 'add', path: '/webhooks/-', value: entry }
      : { op: 'replace', path: `/webhooks/${index}`, value: entry };
  return [place, annotate(annotations)];
}

/** Says that an annotation is there whose entry cannot be restored; undefined when there is nothing to say. */
export function adoptionProblem(
  configuration: MutatingWebhookConfiguration | undefined,
  name: string,
): string | undefined {
  if (configuration?.metadata.annotations?.[webhookAdoptionAnnotation] === undefined) return undefined;
  if (storedEntry(configuration, name) !== undefined) return undefined;
  const advice = isMadeByUs(configuration)
    ? 'latchkey made the object and has replaced no entry there: remove the annotation'
    : "put Flyte's entry back by hand and remove the annotation";
  return `the annotation ${webhookAdoptionAnnotation} of MutatingWebhookConfiguration ${configuration.metadata.name} holds no webhook "${name}" that could be given back: ${advice}`;
}

/** Returns the object as it is planned on once the API server has refused the entry of its annotation. */
export const withoutStoredEntry = (
  configuration: MutatingWebhookConfiguration,
): MutatingWebhookConfiguration => ({
  ...configuration,
  metadata: {
    ...configuration.metadata,
    annotations: { ...configuration.metadata.annotations, [webhookAdoptionAnnotation]: '' },
  },
});

/**
 * Returns the stored entry; undefined when there is none that an API server would take back. Anybody who may write the
 * object may write the annotation; in an object that we made we have replaced nobody's entry.
 */
export function storedEntry(
  configuration: MutatingWebhookConfiguration,
  name: string,
): MutatingWebhook | undefined {
  if (isMadeByUs(configuration)) return undefined;
  try {
    const entry: unknown = JSON.parse(configuration.metadata.annotations?.[webhookAdoptionAnnotation] ?? '');
    return isEntry(entry) && entry.name === name ? entry : undefined;
  } catch {
    return undefined;
  }
}

/** Tells whether a value has what the API server requires of a webhook (admissionregistration.k8s.io/v1). */
function isEntry(value: unknown): value is MutatingWebhook {
  if (!isObject(value) || !isObject(value.clientConfig)) return false;
  const { service, url } = value.clientConfig;
  const versions = value.admissionReviewVersions;
  const calls = isObject(service)
    ? typeof member(service, 'namespace') === 'string' && typeof member(service, 'name') === 'string'
    : typeof url === 'string';
  const isKnown = Array.isArray(versions) && versions.length > 0;
  return calls && isKnown && ['None', 'NoneOnDryRun'].includes(String(value.sideEffects));
}

const annotate = (annotations: Record<string, string>): JsonPatchOperation => ({
  op: 'add',
  path: '/metadata/annotations',
  value: annotations,
});
