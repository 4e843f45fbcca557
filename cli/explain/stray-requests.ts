import { isObject, type JsonObject, member } from '#shared/core/text/json-object.ts';

const requestKey = /^flyte\.secrets\/s[0-9]{1,63}$/;
/** Nobody reads more places. */
const mostPlaces = 5;

/** The annotations of an object by which a pod would ask for secrets. */
export function requestsOf(object: unknown): string[] {
  const annotations = member(member(object, 'metadata'), 'annotations');
  return isObject(annotations) ? requestsIn(annotations) : [];
}

const requestsIn = (annotations: JsonObject): string[] =>
  Object.keys(annotations).filter((name) => requestKey.test(name));

/**
 * Finds annotations that ask for secrets in an object that is no pod, beside its pod templates: nothing that reads the
 * templates sees them. Each by its path: `spec.jobTemplate.metadata.annotations`.
 */
export function strayRequests(object: unknown): string[] {
  const places: string[] = [];
  collect(object, [], places);
  return places.slice(0, mostPlaces);
}

function collect(value: unknown, path: readonly string[], places: string[]): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      collect(item, [...path.slice(0, -1), `${path.at(-1) ?? ''}[${index}]`], places);
    }
    return;
  }
  if (!isObject(value) || isTemplate(value)) return;
  for (const [name, inner] of Object.entries(value)) {
    const isStray = name === 'annotations' && isObject(inner) && requestsIn(inner).length > 0;
    if (sparkParts.has(name)) continue;
    if (isStray) places.push([...path, name].join('.'));
    else collect(inner, [...path, name], places);
  }
}

/** Spark's operator takes the labels and annotations of pods from here. */
const sparkParts: ReadonlySet<string> = new Set(['driver', 'executor']);

/** Tells a pod template, whose metadata count. */
const isTemplate = (value: JsonObject): boolean =>
  ['spec', 'podSpec', 'pod_spec'].some((name) => Array.isArray(member(value[name], 'containers')));
