import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { isObject, type JsonObject, member, scalarText } from '#shared/core/text/json-object.ts';
import type { YamlDocument } from '#shared/runtime/yaml-documents.ts';
import { flyteTaskPod } from './flyte-task-pod.ts';
import { sparkPods } from './spark-pods.ts';
import { strayRequests } from './stray-requests.ts';

/** A pod that a file holds or that its objects would create, as the API server would ask about it. */
export interface FoundPod {
  /** Where it is, for people: `document 2, Deployment ns/app, spec.template`. */
  path: string;
  review: JsonObject;
  /** What the object around it says of itself, which its pods do not get. */
  owner: JsonObject | undefined;
}

/** All pods of a file; `isSingle` when it is one Pod or one AdmissionReview, and nothing else. */
export interface FoundPods {
  pods: FoundPod[];
  isSingle: boolean;
  /** Names of the objects in which there is no pod. */
  others: string[];
  /** Those of them that ask for secrets all the same, with the places where they do. */
  unchecked: { path: string; places: string[] }[];
}

/** Where the search is: the object's own path, and the namespace of its pods. */
interface Place {
  path: readonly string[];
  namespace: string;
}

/** Kinds of Kubernetes that always make pods: one without a template was written wrong. */
const podMakers: ReadonlySet<unknown> = new Set([
  'CronJob',
  'DaemonSet',
  'Deployment',
  'Job',
  'PodTemplate',
  'ReplicaSet',
  'ReplicationController',
  'StatefulSet',
]);

/**
 * Finds the pods of the documents of a file: Pods, reviews of them, Lists of them, and every pod template inside other
 * objects, wherever it is. `defaultNamespace` is of objects that name none.
 * @throws REQUEST_MALFORMED when there is no pod in it, or none in an object that makes pods
 */
export function findPods(
  documents: readonly YamlDocument[],
  source: string,
  defaultNamespace: string,
): FoundPods {
  const found: FoundPods = { pods: [], isSingle: false, others: [], unchecked: [] };
  for (const { value, number } of documents) {
    const path = documents.length === 1 ? [] : [`document ${number}`];
    collectObject(value, { path, namespace: defaultNamespace }, found);
  }
  const [first] = documents;
  const isAlone = ['Pod', 'AdmissionReview'].includes(scalarText(member(first?.value, 'kind')));
  if (found.pods.length > 0) return { ...found, isSingle: documents.length === 1 && isAlone };
  const seen = found.others.slice(0, 10).join('; ');
  throw new LatchkeyError(
    'REQUEST_MALFORMED',
    `${source}: there is no pod in it, and no pod template: ${seen === '' ? 'it is empty' : `it holds ${seen}`}`,
  );
}

function collectObject(value: unknown, place: Place, found: FoundPods): void {
  const kind = member(value, 'kind');
  const items = member(value, 'items');
  if (scalarText(kind).endsWith('List') && Array.isArray(items)) {
    for (const [index, item] of items.entries()) {
      collectObject(item, { ...place, path: [...place.path, `items[${index}]`] }, found);
    }
    return;
  }
  const here = objectPlace(value, place);
  if (kind === 'AdmissionReview' && isObject(value)) {
    found.pods.push({ path: textOf(here), review: value, owner: undefined });
  } else if (kind === 'Pod') found.pods.push(foundPod(value, here, undefined));
  else {
    const before = found.pods.length;
    collectTemplates(value, here, { found, owner: isObject(value) ? value : undefined });
    if (found.pods.length > before) return;
    if (podMakers.has(kind)) throw withoutTemplate(here);
    noteOther(value, textOf(here), found);
  }
}

function noteOther(value: unknown, path: string, found: FoundPods): void {
  found.others.push(path);
  const places = strayRequests(value);
  if (places.length > 0) found.unchecked.push({ path, places });
}

/** The place of an object, with the kind and the name that it has. */
function objectPlace(value: unknown, { path, namespace }: Place): Place {
  const metadata = member(value, 'metadata');
  const own = member(metadata, 'namespace');
  const name = [own, member(metadata, 'name') ?? member(metadata, 'generateName')]
    .filter((part) => typeof part === 'string' && part !== '')
    .join('/');
  const kind = member(value, 'kind');
  const title = [typeof kind === 'string' ? kind : 'an object without a kind', name]
    .filter(Boolean)
    .join(' ');
  return {
    path: [...path, title],
    namespace: typeof own === 'string' && own !== '' ? own : namespace,
  };
}

interface Search {
  found: FoundPods;
  owner: JsonObject | undefined;
}

/** Finds each pod template below a value; in a template there is no other one. */
function collectTemplates(value: unknown, place: Place, search: Search, steps: readonly string[] = []): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      collectTemplates(item, place, search, [...steps.slice(0, -1), `${steps.at(-1) ?? ''}[${index}]`]);
    }
    return;
  }
  if (!isObject(value)) return;
  const at = (inside: readonly string[]): Place => ({
    ...place,
    path: [...place.path, inside.join('.')].filter(Boolean),
  });
  const template = flyteTaskPod(value) ?? podTemplate(value, search);
  if (template !== undefined) {
    const { found, owner } = search;
    found.pods.push(foundPod(podOfTemplate(template, place.namespace), at(steps), owner));
    return;
  }
  const spark = sparkPods(value, search.owner);
  for (const [name, pod] of Object.entries(spark)) {
    search.found.pods.push(foundPod(podOfTemplate(pod, place.namespace), at([...steps, name]), search.owner));
  }
  for (const [name, inner] of Object.entries(value)) {
    if (!Object.hasOwn(spark, name)) collectTemplates(inner, place, search, [...steps, name]);
  }
}

/** The pod template that a value is: with `spec`, or with `podSpec`, as Flyte's K8sPod calls it. */
function podTemplate(value: JsonObject, search: Search): JsonObject | undefined {
  const spec = ['spec', 'podSpec', 'pod_spec']
    .map((name) => member(value, name))
    .find((each) => Array.isArray(member(each, 'containers')));
  return spec === undefined ? undefined : { metadata: templateMetadata(value, search), spec };
}

/** Dask's operator gives its pods the labels and annotations of the object around their specs. */
function templateMetadata(template: JsonObject, { owner }: Search): unknown {
  const own = member(template, 'metadata');
  if (!scalarText(member(owner, 'apiVersion')).startsWith('kubernetes.dask.org/')) return own;
  const merged = (field: string): JsonObject => ({
    ...asObject(member(member(owner, 'metadata'), field)),
    ...asObject(member(own, field)),
  });
  return { labels: merged('labels'), annotations: merged('annotations') };
}

const asObject = (value: unknown): JsonObject => (isObject(value) ? value : {});

function foundPod(object: unknown, { path, namespace }: Place, owner: JsonObject | undefined): FoundPod {
  const review = {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'explain',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      operation: 'CREATE',
      namespace,
      object,
    },
  };
  return { path: textOf({ path, namespace }), review, owner };
}

/** The pod that a controller makes of a template, in the namespace of its object. */
function podOfTemplate(template: unknown, namespace: string): JsonObject {
  const metadata = member(template, 'metadata');
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadata === undefined || isObject(metadata) ? { ...metadata, namespace } : metadata,
    spec: member(template, 'spec'),
  };
}

const textOf = ({ path }: Place): string => path.join(', ');

const withoutTemplate = (place: Place): LatchkeyError =>
  new LatchkeyError(
    'REQUEST_MALFORMED',
    `${textOf(place)}: there is no pod template in it: an object with spec.containers`,
  );
