import { readFile } from 'node:fs/promises';
import type {
  KubernetesObject,
  V1ConfigMap,
  V1Container,
  V1Deployment,
  V1PodSpec,
  V1Service,
} from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';

/** The objects of deploy/, as `kubectl kustomize` builds them. */
export type Manifests = readonly KubernetesObject[];

export const installationNamespace = 'latchkey';
const folder = `${import.meta.dirname}/../../deploy`;

const parseManifests = (text: string): Manifests =>
  parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);

/** Builds them with kubectl, so that the harness reads what an operator applies. */
export async function loadManifests(kubectl: (args: string[]) => Promise<string>): Promise<Manifests> {
  return parseManifests(await kubectl(['kustomize', folder]));
}

/**
 * The resolver of a manager that a default installation does not run: its file in deploy/variants, or for a manager of
 * the operator's own the copy that docs/recipes.md describes.
 */
export async function loadResolver(manager: string): Promise<Manifests> {
  const shipped = await readFile(`${folder}/variants/resolver-${manager}.yaml`, 'utf8').catch(
    () => undefined,
  );
  return parseManifests(
    shipped ?? copyForManager(await readFile(`${folder}/variants/resolver-aws.yaml`, 'utf8'), 'aws', manager),
  );
}

/** A text of deploy/ that is about one manager, with another in its place; `NATS_RESOLVER_AWS_PASSWORD` included. */
export const copyForManager = (text: string, from: string, to: string): string =>
  text
    .replaceAll(new RegExp(`\\b${from}\\b`, 'g'), to)
    .replaceAll(`_${from.toUpperCase()}_`, `_${to.toUpperCase().replaceAll('-', '_')}_`);

/** The object of that kind and name. Throws when deploy/ has none. */
export function findManifest(manifests: Manifests, kind: 'Deployment', name: string): V1Deployment;
export function findManifest(manifests: Manifests, kind: 'ConfigMap', name: string): V1ConfigMap;
export function findManifest(manifests: Manifests, kind: 'Service', name: string): V1Service;
export function findManifest(manifests: Manifests, kind: string, name: string): KubernetesObject {
  const found = manifests.find((object) => object.kind === kind && object.metadata?.name === name);
  if (found === undefined) throw new Error(`deploy/ has no ${kind} ${name}`);
  return found;
}

/** What the pods of a Deployment are made of; each of ours has one container. */
export type PodTemplate = { labels: Record<string, string>; spec: V1PodSpec; container: V1Container };

/** The pod template of a service. Throws when the Deployment has none or more than one container. */
export function podTemplate(manifests: Manifests, service: string): PodTemplate {
  const template = findManifest(manifests, 'Deployment', service).spec?.template;
  const [container, ...others] = template?.spec?.containers ?? [];
  if (template?.spec === undefined || container === undefined || others.length > 0) {
    throw new Error(`the Deployment ${service} in deploy/ needs exactly one container`);
  }
  return { labels: template.metadata?.labels ?? {}, spec: template.spec, container };
}
