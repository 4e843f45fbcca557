import type { Bus } from '#shared/bus/link/bus.ts';
import { startHeartbeats } from '#shared/bus/link/start-heartbeats.ts';
import type { RulesSnapshot } from '#shared/bus/snapshot/snapshot-format.ts';
import type { ReadyService } from '#shared/service/ready-service.ts';
import type { ServiceContext } from '#shared/service/service-context.ts';
import { createAdmissionHandler } from './admission-handler.ts';
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
  const { process, clock, log } = context;
  const { bus } = inputs;
  const state = createGatewayState(context, { ...inputs, certificate: () => webhook.certificate() });
  const { config, rules, metrics, notReady, applied } = state;
  const heartbeats = startHeartbeats(bus, {
    sender: { service: 'gateway', uid: process.POD_UID },
    clock,
    report: () => ({
      notReady: notReady(),
      applied: applied(),
      servingCertificate: webhook.certificate()?.fingerprint,
    }),
  });
  const webhook = createWebhook(context, {
    handle: createAdmissionHandler({ rules, metrics, log }),
    timeoutMs: () => config().webhook.timeoutSeconds * 1_000,
    onShed: metrics.shed,
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
      await state.start();
      await webhook.start();
    },
    stop: async () => {
      state.drain();
      heartbeats.beat();
      await webhook.stop();
      heartbeats.stop();
      await state.stop();
      await bus.close();
    },
  };
}
