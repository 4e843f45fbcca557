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

/** Builds them with kubectl, so that the harness reads what an operator applies. */
export async function loadManifests(kubectl: (args: string[]) => Promise<string>): Promise<Manifests> {
  const documents = parseAllDocuments(await kubectl(['kustomize', folder]));
  return documents.map((document) => document.toJS() as KubernetesObject);
}

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
