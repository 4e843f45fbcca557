import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import type { KubernetesObject } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { listObjects } from './read-objects.ts';

/** Mirrors discovery.k8s.io/v1 EndpointSlice, as far as it is read. */
export interface EndpointSlice extends KubernetesObject {
  endpoints?: {
    addresses?: string[];
    conditions?: { ready?: boolean; serving?: boolean };
    targetRef?: { name?: string; uid?: string };
  }[];
}

/** Selects the slices of a Service. */
export const endpointSliceSelector = (service: string): string => `kubernetes.io/service-name=${service}`;

/** Lists the slices of a Service. Uses (list) of endpointslices; throws as {@link listObjects}. */
export const listEndpointSlices = (
  kubernetes: Kubernetes,
  namespace: string,
  service: string,
): Promise<EndpointSlice[]> =>
  listObjects<EndpointSlice>(
    kubernetes,
    { resource: 'endpointslices', namespace },
    endpointSliceSelector(service),
  );
