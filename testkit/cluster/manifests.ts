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

export const parseManifests = (text: string): Manifests =>
  parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);

/** Builds them with kubectl, so that the harness reads what an operator applies. */
export async function loadManifests(kubectl: (args: string[]) => Promise<string>): Promise<Manifests> {
  return parseManifests(await kubectl(['kustomize', folder]));
}

/** The resolver in deploy/variants of a manager that a default installation does not run. */
export async function loadResolver(manager: string): Promise<Manifests> {
  return parseManifests(await readFile(`${folder}/variants/resolver-${manager}.yaml`, 'utf8'));
}

/** The resolver of a manager of the operator's own, made as docs/recipes.md says. */
export async function copyResolver(manager: string): Promise<Manifests> {
  const model = await readFile(`${folder}/variants/resolver-aws.yaml`, 'utf8');
  return parseManifests(copyForManager(model, 'aws', manager));
}

/** A text of deploy/ about one manager as one about another; the inventory that it reads stays the same. */
export const copyForManager = (text: string, from: string, to: string): string =>
  text
    .replaceAll(new RegExp(`(?<!latchkey_inventory\\.)\\b${from}\\b`, 'g'), to)
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
interface PodTemplate {
  labels: Record<string, string>;
  spec: V1PodSpec;
  container: V1Container;
}

/** The pod template of a service. Throws when the Deployment has none or more than one container. */
export function podTemplate(manifests: Manifests, service: string): PodTemplate {
  const template = findManifest(manifests, 'Deployment', service).spec?.template;
  const [container, ...others] = template?.spec?.containers ?? [];
  if (template?.spec === undefined || container === undefined || others.length > 0) {
    throw new Error(`the Deployment ${service} in deploy/ needs exactly one container`);
  }
  return { labels: template.metadata?.labels ?? {}, spec: template.spec, container };
}

/** The memory that a container may have, MiB. Throws when it may have any. */
export function memoryLimitMib({ name, resources }: V1Container): number {
  const limit = resources?.limits?.memory ?? '';
  const [, number, unit] = /^(\d+)(Mi|Gi)$/.exec(limit) ?? [];
  if (number === undefined)
    throw new Error(`the container ${name} has no memory limit in Mi or Gi: '${limit}'`);
  return Number(number) * (unit === 'Gi' ? 1_024 : 1);
}
