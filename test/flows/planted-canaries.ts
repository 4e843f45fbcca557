import { randomBytes } from 'node:crypto';
import type { V1Pod } from '@kubernetes/client-node';
import type { Canary } from '#testkit/installation/canary-search.ts';

/** A value that occurs nowhere else, with characters that JSON and URLs write differently. */
export function aCanary(name: string): Canary {
  const token = `Canary${randomBytes(12).toString('hex')}`;
  return { name, token, value: `"ü/+=& ${token}` };
}

/** What stands in Secrets, and in nothing that anybody else can read. */
export const planted = {
  secret: aCanary('the value of a Secret'),
  changed: aCanary('the changed value of a Secret'),
  applied: aCanary('an annotation of a Secret'),
  file: aCanary('a global secret in a file'),
  variable: aCanary('a global secret in a variable'),
  mounted: aCanary('a global secret in a mounted Secret'),
  foreign: aCanary('a foreign Secret in place of a copy'),
};
/** What stands in the pod itself: the API server's own objects and audit log hold it, latchkey repeats none of it. */
export const inPod = {
  annotation: aCanary('another annotation of the pod'),
  variable: aCanary('a variable of the pod'),
  malformed: aCanary('a secret annotation that cannot be decoded'),
  body: aCanary('a request that is no admission review'),
};

/** A pod with planted text in its own annotations and variables. */
export function withNeighbours(pod: V1Pod, annotations: Record<string, string> = {}): V1Pod {
  const own = { 'team.example/note': inPod.annotation.value, ...annotations };
  const containers = (pod.spec?.containers ?? []).map((container) => ({
    ...container,
    env: [{ name: 'OWN', value: inPod.variable.value }],
  }));
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations: { ...pod.metadata?.annotations, ...own } },
    spec: { ...pod.spec, containers },
  };
}
