import { request } from 'node:https';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';

/** Sends anything to a gateway, as somebody who is not the API server may; returns everything of the answer as text. */
export function sendToGateway(
  { ports }: ServicePod,
  path: string,
  contentType: string,
  body: string,
): Promise<string> {
  const options = { method: 'POST', rejectUnauthorized: false, headers: { 'content-type': contentType } };
  return new Promise((resolve, reject) => {
    const sent = request(`https://127.0.0.1:${ports.webhook}${path}`, options, (response) => {
      let text = `${response.statusCode} ${JSON.stringify(response.headers)} `;
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => {
        resolve(text);
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Bodies that are no admission review, or one of something that is no pod, each with `value` in it. */
export function malformedBodies(value: string): string[] {
  const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' };
  return [
    value,
    `{"apiVersion": ${value}`,
    JSON.stringify({ ...review, kind: value }),
    JSON.stringify({ ...review, request: { uid: value.repeat(20), operation: 'CREATE' } }),
    JSON.stringify({ ...review, request: { uid: 'u', operation: 'CREATE', object: value } }),
    JSON.stringify({ ...review, request: { uid: 'u', operation: value, object: { kind: 'Pod' } } }),
    JSON.stringify({
      ...review,
      request: {
        uid: 'u',
        operation: 'CREATE',
        resource: { group: '', version: 'v1', resource: 'pods' },
        object: {
          kind: 'Pod',
          metadata: { labels: { 'inject-flyte-secrets': 'true' }, annotations: { 'flyte.secrets/s1': 7 } },
          spec: { containers: value },
        },
      },
    }),
  ];
}
