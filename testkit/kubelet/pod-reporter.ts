import type { V1EndpointSlice, V1Pod, V1Service } from '@kubernetes/client-node';
import type { KubernetesClient } from '#testkit/cluster/kubernetes-client.ts';

/** A pod as the rest of the cluster sees it. */
interface ReportedPod {
  pod: V1Pod;
  address: string;
  ready: boolean;
  restarts: number;
}

/** The status that a kubelet reports for a running pod. */
function withStatus({ pod, address, ready, restarts }: ReportedPod): V1Pod {
  const { resourceVersion: _, ...metadata } = pod.metadata ?? {};
  const status = ready ? 'True' : 'False';
  return {
    ...pod,
    metadata,
    status: {
      phase: 'Running',
      podIP: address,
      podIPs: [{ ip: address }],
      conditions: [{ type: 'Ready', status }],
      containerStatuses: (pod.spec?.containers ?? []).map(({ name, image = '' }) => ({
        name,
        image,
        imageID: '',
        ready,
        restartCount: restarts,
        state: { running: {} },
      })),
    },
  };
}

/** The EndpointSlice that the controller manager keeps for a Service: its pods, by label, ready or not. */
function endpointSliceOf(service: V1Service, pods: readonly ReportedPod[], port: number): V1EndpointSlice {
  const { name = '', namespace = '' } = service.metadata ?? {};
  const selector = Object.entries(service.spec?.selector ?? {});
  const chosen = pods.filter(({ pod }) =>
    selector.every(([label, value]) => pod.metadata?.labels?.[label] === value),
  );
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: service.spec?.ports?.[0]?.name ?? '', port, protocol: 'TCP' }],
    endpoints: chosen.map(({ pod, address, ready }) => ({
      addresses: [address],
      conditions: { ready, serving: ready, terminating: false },
      targetRef: {
        kind: 'Pod',
        namespace,
        name: pod.metadata?.name ?? '',
        uid: pod.metadata?.uid ?? '',
      },
    })),
  };
}

/** Writes pod statuses and the EndpointSlice, each only when it differs from what was written last. */
export function createPodReporter(harness: KubernetesClient, service: V1Service, port: number) {
  const written = new Map<string, string>();
  const writeOnce = async (key: string, body: unknown, write: () => Promise<unknown>): Promise<void> => {
    const text = JSON.stringify(body);
    if (written.get(key) === text) return;
    await write();
    written.set(key, text);
  };
  return async (pods: readonly ReportedPod[]): Promise<void> => {
    for (const reported of pods) {
      const body = withStatus(reported);
      const { name = '', namespace = '', uid = '' } = reported.pod.metadata ?? {};
      await writeOnce(uid, body, () => harness.core.replaceNamespacedPodStatus({ name, namespace, body }));
    }
    const slice = endpointSliceOf(service, pods, port);
    const { name = '', namespace = '' } = slice.metadata ?? {};
    await writeOnce('endpoints', slice, () =>
      written.has('endpoints')
        ? harness.discovery.replaceNamespacedEndpointSlice({ name, namespace, body: slice })
        : harness.discovery.createNamespacedEndpointSlice({ namespace, body: slice }),
    );
  };
}
