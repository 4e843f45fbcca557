import { isObject, member } from '#shared/core/text/json-object.ts';
import type { MutatingWebhookConfiguration } from '#shared/kubernetes/objects/webhook-configurations.ts';
import { webhookName } from './webhook-configuration.ts';

/** Names our own writes in managedFields: the API server takes the first part of the User-Agent. */
const ownManager = 'latchkey';

/**
 * Names the other writer of a field who wrote it last, by `metadata.managedFields` (kubernetes.io, "Field
 * Management"). Returns undefined where that does not tell.
 * @param field as `repairedFields` names it; of `webhooks` the whole entry
 */
export function fieldWriter(
  configuration: MutatingWebhookConfiguration | undefined,
  field: string,
): string | undefined {
  const managed = member(configuration?.metadata, 'managedFields');
  const [top, ...below] = field.split('.');
  const path = [
    `f:${top}`,
    ...(top === 'webhooks' ? [`k:${JSON.stringify({ name: webhookName })}`] : []),
    ...below.map((name) => `f:${name}`),
  ];
  const writers = (Array.isArray(managed) ? managed : [])
    .filter((entry) => member(entry, 'manager') !== ownManager && owns(member(entry, 'fieldsV1'), path))
    .sort((a, b) => String(member(b, 'time')).localeCompare(String(member(a, 'time'))));
  const manager = member(writers[0], 'manager');
  return typeof manager === 'string' ? manager : undefined;
}

function owns(fields: unknown, path: readonly string[]): boolean {
  let node = fields;
  for (const step of path) {
    if (!isObject(node) || !Object.hasOwn(node, step)) return false;
    node = node[step];
  }
  return true;
}
