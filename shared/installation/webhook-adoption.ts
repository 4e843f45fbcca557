import { isDeepStrictEqual } from 'node:util';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { ownObjectLabel } from '#shared/contracts/kubernetes/own-object.ts';
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
  { metadata }: MutatingWebhookConfiguration,
  entry: MutatingWebhook | undefined,
  desired: MutatingWebhook,
): boolean {
  if (entry === undefined || metadata.annotations?.[webhookAdoptionAnnotation] !== undefined) return false;
  const isOurs = Object.entries(ownObjectLabel).every(([label, value]) => metadata.labels?.[label] === value);
  return !isOurs && !isDeepStrictEqual(addressOf(entry), addressOf(desired));
}

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

/**
 * Restores the stored entry in the place of ours; returns undefined when none is stored.
 * @throws CONFIG_INVALID when what is stored is not a webhook of that name
 */
export function restoreOriginal(
  { metadata }: MutatingWebhookConfiguration,
  index: number,
  name: string,
): JsonPatchOperation[] | undefined {
  const { [webhookAdoptionAnnotation]: remembered, ...annotations } = metadata.annotations ?? {};
  if (remembered === undefined) return undefined;
  const entry = parseEntry(remembered);
  if (entry?.name !== name) {
    throw new LatchkeyError(
      'CONFIG_INVALID',
      `The annotation ${webhookAdoptionAnnotation} of MutatingWebhookConfiguration ${metadata.name} holds no webhook "${name}" that could be given back: put Flyte's entry back by hand and remove the annotation`,
    );
  }
  const place: JsonPatchOperation =
    index === -1
      ? { op: 'add', path: '/webhooks/-', value: entry }
      : { op: 'replace', path: `/webhooks/${index}`, value: entry };
  return [place, annotate(annotations)];
}

function parseEntry(text: string): MutatingWebhook | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const annotate = (annotations: Record<string, string>): JsonPatchOperation => ({
  op: 'add',
  path: '/metadata/annotations',
  value: annotations,
});
