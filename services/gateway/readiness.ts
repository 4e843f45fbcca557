import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';

/** What readiness depends on (design.md section 5). */
export interface ReadinessFacts {
  certificate: 'valid' | 'missing';
  chain: readonly string[];
  /** Whether a complete set of the manager's rules is in force. */
  isComplete: (manager: string) => boolean;
  /** Whether its resolver was ever heard to be alive: before that a missing secret cannot be ruled out. */
  isHeard: (manager: string) => boolean;
  /** Time since the process started, ms. */
  uptimeMs: number;
  readyGraceMs: number;
  draining: boolean;
}

/**
 * Why a gateway is not ready, one sentence each. Ready = a valid certificate and every manager of the chain complete
 * and heard; after the grace time the complete ones suffice, as long as there is one.
 */
export function notReadyReasons(facts: ReadinessFacts): string[] {
  const reasons: string[] = [];
  if (facts.draining) reasons.push('the gateway is stopping');
  if (facts.certificate === 'missing') reasons.push('no valid serving certificate is mounted yet');
  const graceIsOver = facts.uptimeMs >= facts.readyGraceMs;
  if (!graceIsOver || !facts.chain.some(facts.isComplete)) reasons.push(...missingManagers(facts));
  return reasons;
}

/** What is missing of each manager of the chain, one sentence each; told also when it no longer holds readiness up. */
export function missingManagers(facts: Pick<ReadinessFacts, 'chain' | 'isComplete' | 'isHeard'>): string[] {
  return facts.chain.flatMap((manager) => {
    if (!facts.isComplete(manager)) return [`no complete rules of manager ${manager} yet`];
    return facts.isHeard(manager) ? [] : [`the resolver of manager ${manager} was not heard yet`];
  });
}

/**
 * Changed fields that a gateway cannot take into use while it runs, one sentence each. It does not end by itself, for
 * all of them would at once: a rollout replaces them without a lost admission.
 */
export function restartReasons(inForce: LatchkeyConfig, next: LatchkeyConfig): string[] {
  const changed = [
    inForce.webhook.clientCa === next.webhook.clientCa ? undefined : 'webhook.clientCa',
    inForce.global.keyRingDir === next.global.keyRingDir ? undefined : 'global.keyRingDir',
  ].filter((field) => field !== undefined);
  return changed.map(
    (field) =>
      `${field} has changed: the configuration before stays in force until this gateway is restarted`,
  );
}
