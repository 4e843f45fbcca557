import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';

/**
 * Returns the name that the API server verifies: `<service>.<namespace>.svc`, or the host of `webhook.url`
 * (docs/reference/kube-apiserver.md C1).
 */
export function serverName({ serviceName, url }: LatchkeyConfig['webhook'], namespace: string): string {
  // A URL writes an IPv6 address in brackets, a certificate does not.
  return url === undefined
    ? `${serviceName}.${namespace}.svc`
    : new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
}

/** Lists the names by which the API server, or a client inside the cluster, calls the gateway. */
export function servingNames(webhook: LatchkeyConfig['webhook'], namespace: string): string[] {
  const service = `${webhook.serviceName}.${namespace}`;
  const names = [webhook.serviceName, service, `${service}.svc`, `${service}.svc.cluster.local`];
  return [...new Set([...names, serverName(webhook, namespace)])];
}
