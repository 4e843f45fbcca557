import type { EndpointSlice } from '#shared/kubernetes/objects/endpoint-slices.ts';
import type { EndpointFact } from '../decide/rotation-facts.ts';
import type { ServedCertificates } from './served-certificates.ts';

/** Takes a report for fresh for five heartbeats. */
const freshMs = 10_000;

/**
 * Joins the endpoints of the slices, each pod once, with what the pods reported. A condition that is absent counts as met
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

/** Takes the gateways that were heard for endpoints; with `webhook.url` there is no Service that has any. */
export const reportersAsEndpoints = (served: ServedCertificates): EndpointFact[] =>
  served
    .all()
    .filter(({ ageMs }) => ageMs <= freshMs)
    .map(({ uid, leaf }) => ({ name: uid, ready: true, leaf, fresh: true }));
