import type { AddressInfo } from 'node:net';
import type { Bus } from '#shared/bus/bus.ts';
import { publishHeartbeat } from '#shared/bus/heartbeat-channel.ts';
import type { RulesSnapshot } from '#shared/bus/rules-snapshot.ts';
import { type Heartbeat, heartbeatIntervalMs } from '#shared/contracts/heartbeat.ts';
import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import { createRuleIndex } from '#shared/core/rule-index.ts';
import { type OpenValue, openValue } from '#shared/core/sealed-value.ts';
import { anyAddress } from '#shared/runtime/any-address.ts';
import { createFreshness } from '#shared/runtime/freshness.ts';
import { followKeyRing } from '#shared/runtime/mounted-key-ring.ts';
import type { ProgramContext, ReadyService } from '#shared/runtime/program.ts';
import { createAdmissionHandler } from './admission-handler.ts';
import { followClientAuthority } from './client-authority.ts';
import { followColdStart } from './cold-start.ts';
import { createGatewayMetrics } from './gateway-metrics.ts';
import { serveLameDuck } from './lame-duck.ts';
import {
  missingManagers,
  notReadyReasons,
  type ReadinessFacts,
  restartReasons,
  snapshotInUse,
  snapshotRemarks,
} from './readiness.ts';
import { createRuleFeed } from './rule-feed.ts';
import { createServingPair } from './serving-pair.ts';
import { createWebhookServer } from './webhook-server.ts';

/**
 * The admission gateway: rules from the bus in memory, answers over HTTPS, no Kubernetes credentials.
 * @param snapshot rules to begin with, in force until the bus brings later ones
 */
export function createGateway(context: ProgramContext, bus: Bus, snapshot?: RulesSnapshot): ReadyService {
  const { process, clock } = context;
  const { log } = context;
  const start = followColdStart(bus, snapshot, clock);
  const { keyRingDir } = context.config.global;
  const { clientCa } = context.config.webhook;
  const keyRing = followKeyRing({ folder: keyRingDir, clock, log });
  const open: OpenValue = (sealed, place) =>
    config.global.delivery === 'inline'
      ? openValue(sealed, place, keyRing.current())
      : { problem: 'global.delivery is not "inline" in the configuration that this gateway uses' };
  const index = createRuleIndex({ open });
  const freshness = createFreshness();
  let config: LatchkeyConfig = context.config;
  let draining = false;
  let restartRemarks: string[] = [];
  const stops: (() => void | Promise<void>)[] = [];

  const metrics = createGatewayMetrics(() => ({
    rules: config.chain.map((manager) => ({
      manager,
      complete: isComplete(manager),
      ageMs: ageMs(manager),
      ...(feed.reader.applied().find(({ owner }) => owner === manager) ?? { epoch: 0, seq: 0 }),
    })),
    busConnected: bus.connected(),
    certificateNotAfterMs: pair.current()?.notAfterMs,
    snapshotAgeMs: snapshotInUse(facts())?.ageMs,
  }));
  const initial = snapshot?.records ?? [];
  const feed = createRuleFeed({ bus, initial, index, freshness, clock, log, onFault: metrics.ruleFault });
  const ageMs = (manager: string): number => freshness.ageMs(manager, clock.monotonicMs());
  const isHeard = (manager: string): boolean => Number.isFinite(ageMs(manager));
  /** A first recipe that was refused leaves rules that nobody can apply: this gateway should not be asked. */
  const isComplete = (manager: string): boolean =>
    feed.reader.isComplete(manager) && index.recipe(manager) !== undefined;
  const rules = {
    index,
    get chain() {
      return config.chain;
    },
    get namespaces() {
      return config.k8s.namespaces;
    },
    ageMs: (manager: string) => (isHeard(manager) ? ageMs(manager) : (start.snapshot()?.ageMs ?? Infinity)),
    isStale: (manager: string) => ageMs(manager) > config.gateway.staleAfterSeconds * 1_000,
  };
  const server = createWebhookServer(createAdmissionHandler({ rules, metrics, log }), {
    clock,
    timeoutMs: () => config.webhook.timeoutSeconds * 1_000,
    onShed: metrics.shed,
    requestsClientCertificate: clientCa !== undefined,
  });
  const beat = (): void => publishHeartbeat(bus, heartbeat());
  const dir = process.TLS_DIR;
  // cert-manager waits for it.
  const pair = createServingPair({ dir, clock, log, onPair: server.use, onServing: beat });

  const facts = (): ReadinessFacts => ({
    certificate: pair.current() === undefined ? 'missing' : 'valid',
    chain: config.chain,
    isComplete,
    isHeard,
    uptimeMs: start.uptimeMs(),
    withoutBusMs: start.withoutBusMs(),
    snapshot: start.snapshot(),
    readyGraceMs: config.gateway.readyGraceSeconds * 1_000,
    draining,
  });
  const heartbeat = (): Heartbeat => {
    const reasons = notReadyReasons(facts());
    const fingerprint = pair.current()?.fingerprint;
    return {
      schema: 1,
      service: 'gateway',
      uid: process.POD_UID,
      ready: reasons.length === 0,
      ...(reasons.length === 0 ? {} : { reason: reasons.join('; ') }),
      applied: [...feed.reader.applied()],
      ...(fingerprint === undefined ? {} : { servingCertificate: fingerprint }),
      sourceAgeMs: 0,
    };
  };

  for (const remark of snapshotRemarks(facts())) log.info({ applied: feed.reader.applied() }, remark);

  return {
    notReady: () => notReadyReasons(facts()),
    remarks: () => [...missingManagers(facts()), ...snapshotRemarks(facts()), ...restartRemarks],
    reconfigure: (next) => {
      restartRemarks = restartReasons(context.config, next);
      for (const reason of restartRemarks) log.error(reason);
      // As a whole or not at all: inline delivery may have been allowed because of the client certificates.
      if (restartRemarks.length === 0) config = next;
    },
    start: async () => {
      if (clientCa !== undefined) {
        const authority = followClientAuthority({ path: clientCa, clock, log, onAuthority: server.trust });
        await authority.start();
        stops.push(() => authority.stop());
      }
      await keyRing.start();
      await pair.start();
      stops.push(
        () => keyRing.stop(),
        () => pair.stop(),
        clock.every(heartbeatIntervalMs, beat),
      );
      await server.app.listen({ host: anyAddress(), port: process.WEBHOOK_PORT });
      log.info({ port: (server.app.server.address() as AddressInfo).port }, 'webhook listening');
    },
    stop: async () => {
      draining = true;
      beat();
      await serveLameDuck({ connections: server.connections, handshakes: server.handshakes, clock, log });
      await server.close();
      for (const stop of stops.reverse()) await stop();
      await feed.stop();
      await bus.close();
    },
  };
}
