import { usualConfigurationName } from '#shared/installation/webhook-configuration.ts';
import { webhookServicePort } from '#testkit/cluster/installation.ts';
import type { BalancedConnection } from '#testkit/cluster/service-proxy.ts';
import { reviewUid } from '#testkit/gateway/ask-gateway.ts';
import {
  type InstallationOptions,
  type RunningInstallation,
  startInstallation,
} from '#testkit/installation/running-installation.ts';
import {
  type AdmissionLoad,
  type LoadCase,
  type LoadClient,
  type LoadFailure,
  type LoadPlan,
  startAdmissionLoad,
} from './admission-load.ts';
import { loadGlobals, prepareKnownCases } from './known-cases.ts';

/** An installation of three gateways behind the balancer, with pods whose answers are known. */
export interface LoadInstallation extends RunningInstallation {
  cases: readonly LoadCase[];
  /** Begins to send; `more` are asked for besides the known cases. */
  startLoad(
    clients: readonly LoadClient[],
    options?: { more?: readonly LoadCase[]; onFailure?: (failure: LoadFailure) => void },
  ): Promise<AdmissionLoad>;
  /** Every connection that the balancer made. */
  connections(): readonly BalancedConnection[];
}

const timeoutMs = 5_000;

/**
 * Starts it without traces, whose receiver would share this process. `noticeMs` is how late the balancer learns who is
 * ready.
 */
export async function startLoadInstallation(
  options: InstallationOptions & { noticeMs?: number } = {},
): Promise<LoadInstallation> {
  const { noticeMs = 0, ...rest } = options;
  const connections: BalancedConnection[] = [];
  const installation = await startInstallation({
    gateways: 3,
    globals: loadGlobals,
    ...rest,
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: '', ...rest.environment },
    balancer: { noticeMs, onConnection: (connection) => connections.push(connection) },
  });
  try {
    const cases = await prepareKnownCases(installation);
    return {
      ...installation,
      cases,
      connections: () => connections,
      startLoad: (clients, { more = [], onFailure } = {}) =>
        startAdmissionLoad(planOf(installation, clients, [...cases, ...more]), onFailure),
    };
  } catch (err) {
    await installation.stop();
    throw err;
  }
}

function planOf(
  { cluster }: RunningInstallation,
  clients: readonly LoadClient[],
  cases: readonly LoadCase[],
): LoadPlan {
  return {
    uid: reviewUid,
    webhook: {
      address: `${cluster.serviceRange}.0.100:${webhookServicePort}`,
      serverName: 'flyte-pod-webhook.latchkey.svc',
      path: `/mutate--v1-pod?timeout=${timeoutMs / 1_000}s`,
      timeoutMs,
    },
    apiServer: {
      url: cluster.server,
      ca: cluster.authority,
      token: cluster.harness.config.getCurrentUser()?.token ?? '',
      configuration: usualConfigurationName,
      webhook: 'flyte-pod-webhook.flyte.org',
    },
    clients,
    cases,
  };
}

/** Two streams through the balancer that make `perSecond` requests together, a share of them on new connections. */
export function webhookClients(perSecond: number, freshShare = 0.2): LoadClient[] {
  const fresh = Math.ceil(perSecond * freshShare);
  return [
    { name: 'kept connections', kind: 'kept', perSecond: perSecond - fresh, workers: 25 },
    { name: 'new connections', kind: 'fresh', perSecond: fresh, workers: 15 },
  ];
}

/** Two streams of pods through the real API server, most of them not stored. */
export function apiServerClients(perSecond: number): LoadClient[] {
  const stored = Math.max(1, Math.floor(perSecond / 10));
  return [
    { name: 'API server, dry runs', kind: 'dryRun', perSecond: perSecond - stored, workers: 6 },
    { name: 'API server, stored', kind: 'api', perSecond: stored, workers: 2 },
  ];
}
