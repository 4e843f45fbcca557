import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { V1Pod } from '@kubernetes/client-node';
import type { Cluster } from '#testkit/cluster/cluster.ts';

/** Of every review made here. */
export const reviewUid = '5f1e0c5a-0000-4000-8000-000000000001';

/** The AdmissionReview that the API server would send for the creation of this pod. */
export const reviewOf = (pod: V1Pod): string =>
  JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: reviewUid,
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      namespace: pod.metadata?.namespace,
      operation: 'CREATE',
      dryRun: true,
      object: pod,
    },
  });

/**
 * Asks one gateway directly, verifying its certificate as the API server does: by the Service's name and the CA in the
 * serving Secret. Returns the answer's bytes as text.
 */
export async function askGateway(
  installation: { cluster: Pick<Cluster, 'kubernetes'> },
  port: number,
  pod: V1Pod,
): Promise<string> {
  const { data } = await installation.cluster.kubernetes.core.readNamespacedSecret({
    namespace: 'latchkey',
    name: 'flyte-pod-webhook-secret',
  });
  const ca = Buffer.from(data?.['ca.crt'] ?? '', 'base64').toString();
  const body = reviewOf(pod);
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: '127.0.0.1',
        port,
        path: '/mutate--v1-pod?timeout=5s',
        method: 'POST',
        ca,
        servername: 'flyte-pod-webhook.latchkey.svc',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      (response) => resolve(text(response)),
    );
    call.on('error', reject);
    call.end(body);
  });
}
