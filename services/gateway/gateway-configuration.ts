import type { Logger } from 'pino';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';

/** Holds the configuration that a gateway uses, which may change while it runs. */
export interface GatewayConfiguration {
  current(): LatchkeyConfig;
  /**
   * Takes a changed configuration into use as a whole, or not at all: inline delivery may have been allowed because of
   * the client certificates.
   */
  reconfigure(next: LatchkeyConfig): void;
  /** Says why a changed configuration waits for a restart, one sentence each. */
  remarks(): readonly string[];
}

/**
 * Starts with a configuration.
 * @param begun what cannot change while the process runs is compared with it
 * @param onConfigured called when another one has come into force
 */
export function createGatewayConfiguration(
  begun: LatchkeyConfig,
  log: Logger,
  onConfigured: (config: LatchkeyConfig) => void = () => undefined,
): GatewayConfiguration {
  let current = begun;
  let remarks: readonly string[] = [];
  return {
    current: () => current,
    reconfigure: (next) => {
      remarks = restartReasons(begun, next);
      for (const reason of remarks) log.error({ reason }, 'configuration change waits for a restart');
      if (remarks.length > 0) return;
      current = next;
      onConfigured(next);
    },
    remarks: () => remarks,
  };
}

/**
 * Lists changes that a gateway cannot take into use while it runs, one sentence each. It does not exit for them, as all
 * gateways would at once; a rollout replaces them without a lost admission.
 */
function restartReasons(inForce: LatchkeyConfig, next: LatchkeyConfig): string[] {
  const changed = [
    inForce.webhook.clientCa === next.webhook.clientCa ? undefined : 'webhook.clientCa',
    inForce.global.keyRingDir === next.global.keyRingDir ? undefined : 'global.keyRingDir',
    inForce.gateway.workers === next.gateway.workers ? undefined : 'gateway.workers',
    inForce.limits.managerMiB === next.limits.managerMiB ? undefined : 'limits.managerMiB',
  ].filter((field) => field !== undefined);
  return changed.map(
    (field) =>
      `${field} has changed: the configuration before stays in force until this gateway is restarted`,
  );
}
