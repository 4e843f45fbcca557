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
