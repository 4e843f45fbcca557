import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';

/**
 * Names under which the API server, or a client inside the cluster, calls the gateway. The API server itself verifies
 * `<service>.<namespace>.svc` (apiserver-contract.md C1), or the host of `webhook.url`.
 */
export function servingNames(webhook: LatchkeyConfig['webhook'], namespace: string): string[] {
  const service = `${webhook.serviceName}.${namespace}`;
  const names = [webhook.serviceName, service, `${service}.svc`, `${service}.svc.cluster.local`];
  // A URL writes an IPv6 address in brackets, a certificate does not.
  const host = webhook.url === undefined ? [] : [new URL(webhook.url).hostname.replace(/^\[(.*)\]$/, '$1')];
  return [...new Set([...names, ...host])];
}
