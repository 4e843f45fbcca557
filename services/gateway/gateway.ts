import type { Bus } from '#shared/bus/link/bus.ts';
import { startHeartbeats } from '#shared/bus/link/start-heartbeats.ts';
import type { RulesSnapshot } from '#shared/bus/snapshot/snapshot-format.ts';
import { followKeyRing } from '#shared/runtime/mounted-key-ring.ts';
import type { ReadyService } from '#shared/service/ready-service.ts';
import type { ServiceContext } from '#shared/service/service-context.ts';
import { decideReviews } from './decide-reviews.ts';
import { createGatewayState } from './gateway-state.ts';
import { createWebhook } from './webhook.ts';

/**
 * Creates the admission gateway: rules from the bus in memory, answers over HTTPS, no Kubernetes credentials.
 * @param inputs.snapshot rules to begin with, in force until the bus brings later ones
 */
export function createGateway(
  context: ServiceContext,
  inputs: { bus: Bus; snapshot: RulesSnapshot | undefined },
): ReadyService {
  const { process, clock, log, config: begun } = context;
  const { bus } = inputs;
  const keyRing = followKeyRing({ folder: begun.global.keyRingDir, clock, log });
  const { sink, handle, onFault, metrics } = decideReviews({
    config: () => state.config(),
    keys: keyRing.current,
    ageMs: (manager) => state.known.ageMs(manager),
    snapshotAgeMs: () => state.snapshotAgeMs(),
    log,
  });
  const certificate = (): ReturnType<typeof webhook.certificate> => webhook.certificate();
  const state = createGatewayState(context, { ...inputs, sink, certificate });
  const { config, known, notReady } = state;
  const heartbeats = startHeartbeats(bus, {
    sender: { service: 'gateway', uid: process.POD_UID },
    clock,
    report: () => ({
      notReady: notReady(),
      applied: known.applied(),
      servingCertificate: webhook.certificate()?.fingerprint,
    }),
  });
  const webhook = createWebhook(context, {
    handle,
    timeoutMs: () => config().webhook.timeoutSeconds * 1_000,
    onShed: metrics.shed,
    onFault,
    onEvicted: metrics.evicted,
    onHandshakeRefused: metrics.handshakeRefused,
    // cert-manager waits for it.
    onServing: heartbeats.beat,
  });
  return {
    notReady,
    remarks: state.remarks,
    reconfigure: state.reconfigure,
    start: async () => {
      state.start();
      await keyRing.start();
      await webhook.start();
    },
    stop: async () => {
      state.drain();
      heartbeats.beat();
      await webhook.stop();
      heartbeats.stop();
      keyRing.stop();
      await state.stop();
      await bus.close();
    },
  };
}
