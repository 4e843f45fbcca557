import { z } from 'zod';
import { withNodeLimit } from '#shared/contracts/shapes/check-shape.ts';
import type { resourcePath } from '#shared/kubernetes/requests/resource-path.ts';

type Resource = Parameters<typeof resourcePath>[0]['resource'];

/** Go writes an empty list or map as null, where it does not leave it out. */
const text = z.string().nullish();
const texts = z.record(z.string(), z.string()).nullish();
const listOf = <Item extends z.ZodType>(item: Item) => z.array(item).nullish();

const metadata = z.looseObject({
  name: z.string(),
  namespace: text,
  uid: text,
  resourceVersion: text,
  creationTimestamp: text,
  deletionTimestamp: text,
  labels: texts,
  annotations: texts,
  ownerReferences: listOf(z.looseObject({ uid: z.string() })),
  managedFields: listOf(z.looseObject({ manager: text, time: text })),
});

const labelSelector = z
  .looseObject({
    matchLabels: texts,
    matchExpressions: listOf(
      z.looseObject({ key: z.string(), operator: z.string(), values: listOf(z.string()) }),
    ),
  })
  .nullish();

const webhook = z.looseObject({
  name: z.string(),
  clientConfig: z.looseObject({ caBundle: text }),
  failurePolicy: text,
  namespaceSelector: labelSelector,
  objectSelector: labelSelector,
});

const containerStatus = z.looseObject({
  state: z.looseObject({ waiting: z.looseObject({ reason: text }).nullish() }).nullish(),
});
const podStatus = z.looseObject({
  phase: text,
  conditions: listOf(z.looseObject({ type: z.string(), status: z.string() })),
  containerStatuses: listOf(containerStatus),
});

const leaseSpec = z.looseObject({
  holderIdentity: text,
  leaseDurationSeconds: z.number().nullish(),
  renewTime: text,
});

/** What is read of each kind of object; all else passes unchecked. */
const readFields: Partial<Record<Resource, z.ZodRawShape>> = {
  configmaps: { data: texts },
  secrets: { type: text, data: texts },
  mutatingwebhookconfigurations: { webhooks: listOf(webhook) },
  endpointslices: {
    endpoints: listOf(
      z.looseObject({ conditions: z.looseObject({ ready: z.boolean().nullish() }).nullish() }),
    ),
  },
  pods: { status: podStatus.nullish() },
  leases: { spec: leaseSpec.nullish() },
};

const shapes = new Map<Resource, z.ZodType>();

/**
 * The types that the Kubernetes API gives to what latchkey reads of an object; a proxy may have written the answer. An object
 * is as large as an answer may be.
 */
export function objectShape(resource: Resource): z.ZodType {
  const made =
    shapes.get(resource) ??
    withNodeLimit(Number.POSITIVE_INFINITY, z.looseObject({ metadata, ...readFields[resource] }));
  shapes.set(resource, made);
  return made;
}
