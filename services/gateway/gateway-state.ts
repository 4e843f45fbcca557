import type { Bus } from '#shared/bus/link/bus.ts';
import type { RulesSnapshot } from '#shared/bus/snapshot/snapshot-format.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { ServiceContext } from '#shared/service/service-context.ts';
import { createGatewayConfiguration } from './gateway-configuration.ts';
import { createGatewayMetrics } from './gateway-metrics.ts';
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
import type { RuleSink } from './rules/rule-sink.ts';
import type { ServingCertificate } from './tls/serving-certificate.ts';

/** Holds what a gateway knows, and how well. */
export interface GatewayState {
  config(): LatchkeyConfig;
  known: KnownRules;
  /** Gives the age of the snapshot that the rules began with, ms. */
  snapshotAgeMs(): number | undefined;
  /** Says why the gateway is not ready, one sentence each. */
  notReady(): string[];
  /** Says what is missing although the gateway may be ready, one sentence each. */
  remarks(): string[];
  reconfigure(next: LatchkeyConfig): void;
  /** Makes the gateway unready, for good. */
  drain(): void;
  start(): void;
  stop(): Promise<void>;
}

interface GatewayInputs {
  bus: Bus;
  /** Rules to begin with, in force until the bus brings later ones. */
  snapshot: RulesSnapshot | undefined;
  /** Where the rules go. */
  sink: RuleSink;
  /** Gives the serving certificate; undefined while none is valid. */
  certificate: () => ServingCertificate | undefined;
  /** Called when another configuration has come into force. */
  onConfigured?: (config: LatchkeyConfig) => void;
}

/** Follows rules and configuration. */
export function createGatewayState(
  { config: begun, clock, log }: ServiceContext,
  { bus, snapshot, sink, certificate, onConfigured }: GatewayInputs,
): GatewayState {
  const configuration = createGatewayConfiguration(begun, log, onConfigured);
  const config = configuration.current;
  const coldStart = followColdStart(bus, snapshot, clock);
  let draining = false;
  const facts = (): ReadinessFacts =>
    readinessFacts({ config: config(), certificate: certificate(), known, coldStart, draining });
  createGatewayMetrics(() => ({
    rules: config().chain.map(known.describe),
    busConnected: bus.connected(),
    certificateNotAfterMs: certificate()?.notAfterMs,
    snapshotAgeMs: snapshotInUse(facts())?.ageMs,
  }));
  const initial = snapshot?.records ?? [];
  const known = followRules({ bus, initial, sink, config, clock, log });
  const { follow, isComplete } = known;
  const change = createChainChange({ ...configuration, follow, isComplete, clock });

  return {
    config,
    known,
    snapshotAgeMs: () => coldStart.snapshot()?.ageMs,
    notReady: () => notReadyReasons(facts()),
    remarks: () => [...missingManagers(facts()), ...snapshotRemarks(facts()), ...configuration.remarks()],
    reconfigure: change.to,
    drain: () => {
      draining = true;
    },
    start: () => {
      // Where workers decide, none has it in force yet.
      const isComplete = (manager: string): boolean =>
        known.read.applied().some(({ owner }) => owner === manager);
      for (const remark of snapshotRemarks({ ...facts(), isComplete }))
        log.info({ remark }, 'gateway starts from the snapshot');
    },
    stop: async () => {
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
