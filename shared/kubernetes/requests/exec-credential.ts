import type { Cluster } from '@kubernetes/client-node';

/** Mirrors `users[].user.exec` of a kubeconfig (client.authentication.k8s.io), as far as it is read. */
export interface ExecConfig {
  apiVersion?: string;
  command?: string;
  args?: string[] | null;
  env?: { name: string; value: string }[] | null;
  installHint?: string;
  provideClusterInfo?: boolean;
  interactiveMode?: string;
}

/** Mirrors the status of an ExecCredential. */
export interface ExecCredential {
  token?: string;
  clientCertificateData?: string;
  clientKeyData?: string;
  expirationTimestamp?: string;
}

/** Makes the text of the ExecCredential that tells a plugin what is wanted of it. */
export function execInfo(
  { apiVersion, provideClusterInfo }: ExecConfig,
  cluster: Cluster | undefined,
): string {
  const told = cluster !== undefined && provideClusterInfo === true ? { cluster: clusterInfo(cluster) } : {};
  return JSON.stringify({ kind: 'ExecCredential', apiVersion, spec: { interactive: false, ...told } });
}

/** Mirrors the cluster of an ExecCredential. */
const clusterInfo = ({ server, caData, skipTLSVerify, tlsServerName, proxyUrl }: Cluster) => ({
  server,
  ...(caData === undefined ? {} : { 'certificate-authority-data': caData }),
  ...(skipTLSVerify ? { 'insecure-skip-tls-verify': true } : {}),
  ...(tlsServerName === undefined ? {} : { 'tls-server-name': tlsServerName }),
  ...(proxyUrl === undefined ? {} : { 'proxy-url': proxyUrl }),
});

/** Reads what a plugin printed, which no message may quote: it holds the credentials. */
export function readExecCredential(output: string): ExecCredential | undefined {
  try {
    const { status } = JSON.parse(output) as { status?: Record<string, unknown> };
    const texts = ['token', 'clientCertificateData', 'clientKeyData', 'expirationTimestamp'].flatMap(
      (field) =>
        typeof status?.[field] === 'string' && status[field] !== '' ? [[field, status[field]]] : [],
    );
    const read: ExecCredential = Object.fromEntries(texts);
    const isPair = read.clientCertificateData !== undefined && read.clientKeyData !== undefined;
    return read.token !== undefined || isPair ? read : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Tells whether credentials are no longer to be used; true for a time that cannot be read.
 * @param nowMs ms since 1970
 */
export const isExpired = ({ expirationTimestamp }: ExecCredential, nowMs: number): boolean =>
  expirationTimestamp !== undefined && !(Date.parse(expirationTimestamp) > nowMs);
