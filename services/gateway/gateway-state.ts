import type { Bus } from '#shared/bus/link/bus.ts';
import type { SetVersion } from '#shared/bus/records/freshness.ts';
import type { RulesSnapshot } from '#shared/bus/snapshot/snapshot-format.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { Rules } from '#shared/core/rules/chain.ts';
import type { OpenValue } from '#shared/core/rules/index/sealed-value.ts';
import { createValueOpener } from '#shared/core/rules/index/value-opener.ts';
import { followKeyRing } from '#shared/runtime/mounted-key-ring.ts';
import type { ServiceContext } from '#shared/service/service-context.ts';
import { createGatewayConfiguration } from './gateway-configuration.ts';
import { createGatewayMetrics, type GatewayMetrics } from './gateway-metrics.ts';
import {
  missingManagers,
  notReadyReasons,
  type ReadinessFacts,
  snapshotInUse,
  snapshotRemarks,
} from './readiness.ts';
import { createChainChange } from './rules/chain-change.ts';
import { type ColdStart, followColdStart } from './rules/follow-cold-start.ts';
import { followRules, type KnownRules } from './rules/follow-rules.ts';
import type { ServingCertificate } from './tls/serving-certificate.ts';

/** Holds what a gateway decides from, and how well it knows it. */
export interface GatewayState {
  config(): LatchkeyConfig;
  rules: Rules;
  metrics: GatewayMetrics;
  /** Gives the position of each manager's set in force. */
  applied(): SetVersion[];
  /** Says why the gateway is not ready, one sentence each. */
  notReady(): string[];
  /** Says what is missing although the gateway may be ready, one sentence each. */
  remarks(): string[];
  reconfigure(next: LatchkeyConfig): void;
  /** Makes the gateway unready, for good. */
  drain(): void;
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface GatewayInputs {
  bus: Bus;
  /** Rules to begin with, in force until the bus brings later ones. */
  snapshot: RulesSnapshot | undefined;
  /** Gives the serving certificate; undefined while none is valid. */
  certificate: () => ServingCertificate | undefined;
}

/** Follows rules, configuration and key ring. */
export function createGatewayState(
  { config: begun, clock, log }: ServiceContext,
  { bus, snapshot, certificate }: GatewayInputs,
): GatewayState {
  const configuration = createGatewayConfiguration(begun, log);
  const config = configuration.current;
  const coldStart = followColdStart(bus, snapshot, clock);
  const keyRing = followKeyRing({ folder: begun.global.keyRingDir, clock, log });
  const open = openIfInline(() => config().global.delivery, createValueOpener(keyRing.current));
  let draining = false;
  const facts = (): ReadinessFacts =>
    readinessFacts({ config: config(), certificate: certificate(), known, coldStart, draining });
  const metrics = createGatewayMetrics(() => ({
    rules: config().chain.map(known.describe),
    busConnected: bus.connected(),
    certificateNotAfterMs: certificate()?.notAfterMs,
    snapshotAgeMs: snapshotInUse(facts())?.ageMs,
  }));
  const initial = snapshot?.records ?? [];
  const snapshotAgeMs = (): number | undefined => coldStart.snapshot()?.ageMs;
  const onFault = metrics.ruleFault;
  const known = followRules({ bus, initial, snapshotAgeMs, config, open, clock, log, onFault });
  const { rules, applied, follow, isComplete } = known;
  const change = createChainChange({ ...configuration, follow, isComplete, clock });

  return {
    config,
    rules,
    metrics,
    applied,
    notReady: () => notReadyReasons(facts()),
    remarks: () => [...missingManagers(facts()), ...snapshotRemarks(facts()), ...configuration.remarks()],
    reconfigure: change.to,
    drain: () => {
      draining = true;
    },
    start: async () => {
      for (const remark of snapshotRemarks(facts())) log.info({ remark }, 'gateway starts from the snapshot');
      await keyRing.start();
    },
    stop: async () => {
      keyRing.stop();
      change.stop();
      await known.stop();
    },
  };
}

function readinessFacts(sources: {
  config: LatchkeyConfig;
  certificate: ServingCertificate | undefined;
  known: KnownRules;
  coldStart: ColdStart;
  draining: boolean;
}): ReadinessFacts {
  const { config, certificate, known, coldStart, draining } = sources;
  return {
    certificate: certificate === undefined ? 'missing' : 'valid',
    chain: config.chain,
    isComplete: known.isComplete,
    isHeard: known.isHeard,
    uptimeMs: coldStart.uptimeMs(),
    withoutBusMs: coldStart.withoutBusMs(),
    snapshot: coldStart.snapshot(),
    readyGraceMs: config.gateway.readyGraceSeconds * 1_000,
    draining,
  };
}

/** Opens sealed values while the configuration allows inline delivery. */
const openIfInline =
  (delivery: () => LatchkeyConfig['global']['delivery'], open: OpenValue): OpenValue =>
  (sealed, place) =>
    delivery() === 'inline'
      ? open(sealed, place)
      : { problem: 'global.delivery is not "inline" in the configuration that this gateway uses' };
