import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Bus } from '#shared/bus/link/bus.ts';
import { startHeartbeats } from '#shared/bus/link/start-heartbeats.ts';
import type { RulesSnapshot } from '#shared/bus/snapshot/snapshot-format.ts';
import { followKeyRing } from '#shared/runtime/mounted-key-ring.ts';
import type { ReadyService } from '#shared/service/ready-service.ts';
import type { ServiceContext } from '#shared/service/service-context.ts';
import { createGatewayState } from './gateway-state.ts';
import { protocols } from './http/secure-context.ts';
import { followClientCa } from './tls/follow-client-ca.ts';
import { followServingCertificate } from './tls/follow-serving-certificate.ts';
import { certificateMessage, fillOfWorker, keysMessage } from './workers/fill-of-worker.ts';
import { joinMetrics } from './workers/join-metrics.ts';
import { isJointlyServed } from './workers/joint-versions.ts';
import { shareWebhookPort } from './workers/share-webhook-port.ts';
import { WorkerPool } from './workers/worker-pool.ts';
import { forkWorker } from './workers/worker-process.ts';
import { createWorkersMetrics } from './workers/workers-metrics.ts';
import { workersNotReady, workersRemarks } from './workers/workers-not-ready.ts';
import { createWorkersSink } from './workers/workers-sink.ts';

const program = join(import.meta.dirname, 'worker/main.ts');
/** Longest wait for a worker's metrics: one that stands still must not hold up the page. */
const mostMetricsMs = 500;

/**
 * Creates a gateway whose decisions are made by workers, processes that share one port. This one, the primary, does for all
 * of them what a pod does once: bus, rules, certificate, readiness, heartbeat, metrics.
 * @param inputs.snapshot rules to begin with, in force until the bus brings later ones
 */
export function createPrimary(
  context: ServiceContext,
  { workers: count, ...inputs }: { bus: Bus; snapshot: RulesSnapshot | undefined; workers: number },
): ReadyService {
  const { process, clock, log, config: begun } = context;
  const { bus } = inputs;
  let clientCa: string | undefined;
  const pool = new WorkerPool({
    ...{ count, start: forkWorker(program), clock, log },
    fill: () =>
      fillOfWorker({
        ...{ workers: count, snapshotTakenAt: inputs.snapshot?.takenAt },
        ...{
          config: state.config,
          known: state.known,
          keys: keyRing.current,
          certificate: certificate.current,
        },
        clientCa: () => clientCa,
      }),
    onReport: () => acknowledge(),
    onEnd: (reason) => countEnd(reason),
  });
  const serving = (): number => pool.reports().length;
  const countEnd = createWorkersMetrics(serving);
  const state = createGatewayState(context, {
    ...inputs,
    sink: createWorkersSink(pool),
    certificate: () => certificate.current(),
    onConfigured: (config) => pool.tell(() => [{ kind: 'config', config }]),
  });
  const keyRing = followKeyRing({
    ...{ folder: begun.global.keyRingDir, clock, log },
    onChange: () => pool.tell(() => [keysMessage(keyRing.current())]),
  });
  const certificate = followServingCertificate({
    ...{ dir: process.TLS_DIR, clock, log },
    onCertificate: (next) => {
      createSecureContext({ cert: next.certificate, key: next.key, ...protocols });
      pool.tell(() => [certificateMessage(next)]);
    },
  });
  const path = begun.webhook.clientCa;
  const onClientCa = (pem: string): void => {
    clientCa = pem;
    pool.tell(() => [{ kind: 'client-ca', pem }]);
  };
  const trust = path === undefined ? undefined : followClientCa({ path, clock, log, onClientCa });
  const port = shareWebhookPort(pool.dealer, log);
  const notReady = (): string[] => [
    ...state.notReady(),
    ...workersNotReady(serving(), count, pool.haveAllServed()),
  ];
  /** Names the certificate in use once every worker serves it: cert-manager waits for that. */
  const acknowledged = (): string | undefined => {
    const current = certificate.current();
    return current !== undefined && isJointlyServed(pool.reports(), current.certificate)
      ? current.fingerprint
      : undefined;
  };
  const heartbeats = startHeartbeats(bus, {
    sender: { service: 'gateway', uid: process.POD_UID },
    clock,
    report: () => ({
      notReady: notReady(),
      applied: state.known.applied(),
      servingCertificate: acknowledged(),
    }),
  });
  let told: string | undefined;
  const acknowledge = (): void => {
    const now = acknowledged();
    if (now !== undefined && now !== told) heartbeats.beat();
    told = now;
  };
  return {
    notReady,
    remarks: () => [...state.remarks(), ...workersRemarks(serving(), count)],
    reconfigure: state.reconfigure,
    joinMetrics: async (own) => joinMetrics(own, await pool.metricsTexts(mostMetricsMs)),
    start: async () => {
      state.start();
      await keyRing.start();
      await trust?.start();
      await certificate.start();
      pool.start();
      await port.listen(process.WEBHOOK_PORT);
    },
    stop: async () => {
      state.drain();
      heartbeats.beat();
      await pool.drain();
      port.close();
      heartbeats.stop();
      certificate.stop();
      trust?.stop();
      keyRing.stop();
      await state.stop();
      await bus.close();
    },
  };
}
