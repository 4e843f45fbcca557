import type { AddressInfo } from 'node:net';
import type { Bus } from '#shared/bus/link/bus.ts';
import { startHeartbeats } from '#shared/bus/link/start-heartbeats.ts';
import type { RulesSnapshot } from '#shared/bus/snapshot/rules-snapshot.ts';
import { type OpenValue, openValue } from '#shared/core/rules/sealed-value.ts';
import { anyAddress } from '#shared/runtime/any-address.ts';
import { followKeyRing } from '#shared/runtime/mounted-key-ring.ts';
import type { ReadyService } from '#shared/service/ready-service.ts';
import type { ServiceContext } from '#shared/service/service-context.ts';
import { createAdmissionHandler } from './admission-handler.ts';
import { createGatewayConfiguration } from './gateway-configuration.ts';
import { createGatewayMetrics } from './gateway-metrics.ts';
import { drainConnections } from './http/drain-connections.ts';
import { createWebhookServer } from './http/webhook-server.ts';
import {
  missingManagers,
  notReadyReasons,
  type ReadinessFacts,
  snapshotInUse,
  snapshotRemarks,
} from './readiness.ts';
import { createChainChange } from './rules/chain-change.ts';
import { followColdStart } from './rules/follow-cold-start.ts';
import { followRules } from './rules/follow-rules.ts';
import { followClientAuthority } from './tls/follow-client-authority.ts';
import { followServingCertificate } from './tls/follow-serving-certificate.ts';

/**
 * Creates the admission gateway: rules from the bus in memory, answers over HTTPS, no Kubernetes credentials.
 * @param snapshot rules to begin with, in force until the bus brings later ones
 */
export function createGateway(
  context: ServiceContext,
  { bus, snapshot }: { bus: Bus; snapshot: RulesSnapshot | undefined },
): ReadyService {
  const { process, clock, log } = context;
  const configuration = createGatewayConfiguration(context.config, log);
  const config = configuration.current;
  const start = followColdStart(bus, snapshot, clock);
  const { clientCa } = context.config.webhook;
  const keyRing = followKeyRing({ folder: context.config.global.keyRingDir, clock, log });
  const open: OpenValue = (sealed, place) =>
    config().global.delivery === 'inline'
      ? openValue(sealed, place, keyRing.current())
      : { problem: 'global.delivery is not "inline" in the configuration that this gateway uses' };
  let draining = false;
  const stops: (() => void | Promise<void>)[] = [];

  const metrics = createGatewayMetrics(() => ({
    rules: config().chain.map((manager) => ({
      manager,
      complete: known.isComplete(manager),
      ageMs: known.ageMs(manager),
      ...(known.applied().find(({ owner }) => owner === manager) ?? { epoch: 0, seq: 0 }),
    })),
    busConnected: bus.connected(),
    certificateNotAfterMs: certificate.current()?.notAfterMs,
    snapshotAgeMs: snapshotInUse(facts())?.ageMs,
  }));
  const initial = snapshot?.records ?? [];
  const snapshotAgeMs = (): number | undefined => start.snapshot()?.ageMs;
  const onFault = metrics.ruleFault;
  const known = followRules({ bus, initial, snapshotAgeMs, config, open, clock, log, onFault });
  const { follow, isComplete } = known;
  const change = createChainChange({ ...configuration, follow, isComplete, clock });
  const server = createWebhookServer(createAdmissionHandler({ rules: known.rules, metrics, log }), {
    clock,
    timeoutMs: () => config().webhook.timeoutSeconds * 1_000,
    onShed: metrics.shed,
    requestsClientCertificate: clientCa !== undefined,
  });
  const heartbeats = startHeartbeats(bus, {
    sender: { service: 'gateway', uid: process.POD_UID },
    clock,
    report: () => ({
      notReady: notReadyReasons(facts()),
      applied: known.applied(),
      servingCertificate: certificate.current()?.fingerprint,
    }),
  });
  // cert-manager waits for it.
  const certificate = followServingCertificate({
    dir: process.TLS_DIR,
    clock,
    log,
    onCertificate: server.use,
    onServing: heartbeats.beat,
  });

  const facts = (): ReadinessFacts => ({
    certificate: certificate.current() === undefined ? 'missing' : 'valid',
    chain: config().chain,
    isComplete: known.isComplete,
    isHeard: known.isHeard,
    uptimeMs: start.uptimeMs(),
    withoutBusMs: start.withoutBusMs(),
    snapshot: start.snapshot(),
    readyGraceMs: config().gateway.readyGraceSeconds * 1_000,
    draining,
  });

  for (const remark of snapshotRemarks(facts())) log.info({ applied: known.applied() }, remark);

  return {
    notReady: () => notReadyReasons(facts()),
    remarks: () => [...missingManagers(facts()), ...snapshotRemarks(facts()), ...configuration.remarks()],
    reconfigure: change.to,
    start: async () => {
      if (clientCa !== undefined) {
        const authority = followClientAuthority({ path: clientCa, clock, log, onAuthority: server.trust });
        await authority.start();
        stops.push(() => authority.stop());
      }
      await keyRing.start();
      await certificate.start();
      stops.push(
        () => keyRing.stop(),
        () => certificate.stop(),
      );
      await server.app.listen({ host: anyAddress(), port: process.WEBHOOK_PORT });
      log.info({ port: (server.app.server.address() as AddressInfo).port }, 'webhook listening');
    },
    stop: async () => {
      draining = true;
      heartbeats.beat();
      await drainConnections({ connections: server.connections, handshakes: server.handshakes, clock, log });
      await server.close();
      heartbeats.stop();
      for (const stop of stops.reverse()) await stop();
      change.stop();
      await known.stop();
      await bus.close();
    },
  };
}
