import { isObject, type JsonObject, member, scalarText } from '#shared/core/text/json-object.ts';

/** The parts of a SparkApplication of which each is a pod, and Spark's name for its container. */
const containerNames = { driver: 'spark-kubernetes-driver', executor: 'spark-kubernetes-executor' } as const;

/**
 * Returns the pods of the spec of a SparkApplication, by their field. Spark's operator describes a pod by fields of its
 * own: labels and annotations stand beside them, and there is no list of containers.
 * @param owner the SparkApplication, or the object that holds it
 */
export function sparkPods(spec: JsonObject, owner: unknown): Record<string, JsonObject> {
  const parts = Object.entries(containerNames).filter(([part]) => isObject(spec[part]));
  // Spark's own object may leave a part to defaults; in another one the two together tell it.
  const isOfSpark = scalarText(member(owner, 'apiVersion')).startsWith('sparkoperator.k8s.io/');
  if (!isOfSpark && parts.length < Object.keys(containerNames).length) return {};
  return Object.fromEntries(parts.map(([part, container]) => [part, sparkPod(spec, spec[part], container)]));
}

function sparkPod(application: JsonObject, part: unknown, containerName: string): JsonObject {
  const template = member(part, 'template');
  const metadata = member(template, 'metadata');
  const merged = (field: string): JsonObject => ({
    ...objectAt(metadata, field),
    ...objectAt(part, field),
  });
  return {
    metadata: { labels: merged('labels'), annotations: merged('annotations') },
    spec: {
      ...present({
        serviceAccountName: member(part, 'serviceAccount'),
        volumes: member(application, 'volumes'),
        initContainers: member(part, 'initContainers'),
      }),
      ...objectAt(template, 'spec'),
      containers: member(member(template, 'spec'), 'containers') ?? [
        {
          name: containerName,
          ...present({
            image: member(part, 'image') ?? member(application, 'image'),
            env: member(part, 'env'),
            volumeMounts: member(part, 'volumeMounts'),
          }),
        },
        ...sidecarsOf(part),
      ],
    },
  };
}

function sidecarsOf(part: unknown): unknown[] {
  const sidecars = member(part, 'sidecars');
  return Array.isArray(sidecars) ? sidecars : [];
}

function objectAt(value: unknown, field: string): JsonObject {
  const found = member(value, field);
  return isObject(found) ? found : {};
}

/** A field that is left out stays so, since null is no list. */
const present = (fields: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
