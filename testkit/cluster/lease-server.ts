import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Lease } from '#shared/kubernetes/election/lease.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { refusedError } from '#shared/kubernetes/requests/kubernetes-call.ts';

/** What an API server does with one Lease, without a server. */
export interface LeaseServer {
  /** Clients that get no answer. */
  unreachable: Set<string>;
  /** Clients whose next request hangs until they give it up; then they are in it no more. */
  hanging: Set<string>;
  connectionOf(client: string): Kubernetes;
  holder(): string | undefined;
}

export function createLeaseServer(place: { namespace: string; name: string }): LeaseServer {
  let stored: Lease = { metadata: { ...place, resourceVersion: '1' } };
  const unreachable = new Set<string>();
  const hanging = new Set<string>();
  const connectionOf = (client: string): Kubernetes => ({
    json: async (call, signal) => {
      if (hanging.has(client)) {
        await once(signal ?? assert.fail('a request that nothing ends'), 'abort');
        hanging.delete(client);
        throw refusedError(call, { statusCode: 0 });
      }
      if (unreachable.has(client)) throw refusedError(call, { statusCode: 0 });
      if (call.verb === 'get') return structuredClone(stored);
      const sent = call.body as Lease;
      if (sent.metadata.resourceVersion !== stored.metadata.resourceVersion) {
        throw refusedError(call, { statusCode: 409, reason: 'Conflict' });
      }
      const resourceVersion = String(Number(stored.metadata.resourceVersion) + 1);
      stored = { ...structuredClone(sent), metadata: { ...place, resourceVersion } };
      return structuredClone(stored);
    },
    stream: () => assert.fail('a Lease is not watched'),
    close: () => undefined,
  });
  return { unreachable, hanging, connectionOf, holder: () => stored.spec?.holderIdentity };
}
