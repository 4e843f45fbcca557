import { isSecretAnnotation } from '#shared/core/flyte/secret-annotations.ts';
import { isObject, type JsonObject, member } from '#shared/core/text/json-object.ts';
import { sparkPods } from './spark-pods.ts';

/** Nobody reads more places. */
const mostPlaces = 5;

/** Lists the annotations of an object by which a pod would ask for secrets. */
export function requestsOf(object: unknown): string[] {
  const annotations = member(member(object, 'metadata'), 'annotations');
  return isObject(annotations) ? requestsIn(annotations) : [];
}

const requestsIn = (annotations: JsonObject): string[] => Object.keys(annotations).filter(isSecretAnnotation);

/**
 * Finds annotations that ask for secrets in an object that is no pod, beside its pod templates. Nothing that reads the
 * templates sees them.
 * @returns the path of each: `spec.jobTemplate.metadata.annotations`
 */
export function strayRequests(object: unknown): string[] {
  const places: string[] = [];
  collect(object, { owner: object, path: [], places });
  return places.slice(0, mostPlaces);
}

interface Search {
  owner: unknown;
  path: readonly string[];
  places: string[];
}

function collect(value: unknown, search: Search): void {
  const { owner, path, places } = search;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      collect(item, { ...search, path: [...path.slice(0, -1), `${path.at(-1) ?? ''}[${index}]`] });
    }
    return;
  }
  if (!isObject(value) || isTemplate(value)) return;
  const spark = sparkPods(value, owner);
  for (const [name, inner] of Object.entries(value)) {
    if (Object.hasOwn(spark, name)) continue;
    const isStray = name === 'annotations' && isObject(inner) && requestsIn(inner).length > 0;
    if (isStray) places.push([...path, name].join('.'));
    else collect(inner, { ...search, path: [...path, name] });
  }
}

/** Tells a pod template, whose metadata count. */
const isTemplate = (value: JsonObject): boolean =>
  ['spec', 'podSpec', 'pod_spec'].some((name) => Array.isArray(member(value[name], 'containers')));
