import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts';
import type { EndpointFact } from '../decide/rotation-facts.ts';
import type { ServedCertificates } from './served-certificates.ts';

/** discovery.k8s.io/v1, as far as it is read. */
export interface EndpointSlice extends KubernetesObject {
  endpoints?: {
    addresses?: string[];
    conditions?: { ready?: boolean; serving?: boolean };
    targetRef?: { name?: string; uid?: string };
  }[];
}

/** Selects the slices of a Service. */
export const serviceSelector = (service: string): string => `kubernetes.io/service-name=${service}`;

/** Five heartbeats. */
const freshMs = 10_000;

/**
 * The endpoints of the slices, each pod once, joined with what it reported. A condition that is not stated counts as met
 * (discovery.k8s.io/v1 EndpointConditions); an endpoint that is no pod can never report.
 */
export function joinEndpoints(slices: readonly EndpointSlice[], served: ServedCertificates): EndpointFact[] {
  const pods = new Map<string, EndpointFact>();
  for (const { addresses = [], conditions = {}, targetRef } of slices.flatMap(
    ({ endpoints }) => endpoints ?? [],
  )) {
    const id = targetRef?.uid ?? addresses[0] ?? '';
    const report = served.of(id);
    const ready = conditions.ready !== false || conditions.serving === true;
    pods.set(id, {
      name: targetRef?.name ?? id,
      ready: ready || pods.get(id)?.ready === true,
      leaf: report?.leaf,
      fresh: report !== undefined && report.ageMs <= freshMs,
    });
  }
  return [...pods.values()];
}

/** Where `webhook.url` takes the place of the Service there are no endpoints: whoever is heard stands for them. */
export const reportersAsEndpoints = (served: ServedCertificates): EndpointFact[] =>
  served
    .all()
    .filter(({ ageMs }) => ageMs <= freshMs)
    .map(({ uid, leaf }) => ({ name: uid, ready: true, leaf, fresh: true }));
