/** What readiness depends on (design.md section 5). */
export interface ReadinessFacts {
  certificate: 'valid' | 'missing';
  chain: readonly string[];
  isComplete: (manager: string) => boolean;
  /** Time since the process started, ms. */
  uptimeMs: number;
  readyGraceMs: number;
  draining: boolean;
}

/**
 * Why a gateway is not ready, one sentence each. Ready = a valid certificate and every manager of the chain complete;
 * after the grace time the complete ones suffice, as long as there is one.
 */
export function notReadyReasons(facts: ReadinessFacts): string[] {
  const reasons: string[] = [];
  if (facts.draining) reasons.push('the gateway is stopping');
  if (facts.certificate === 'missing') reasons.push('no valid serving certificate is mounted yet');
  const incomplete = incompleteManagers(facts);
  const graceIsOver = facts.uptimeMs >= facts.readyGraceMs && incomplete.length < facts.chain.length;
  if (incomplete.length > 0 && !graceIsOver) {
    reasons.push(`no complete rules yet from: ${incomplete.join(', ')}`);
  }
  return reasons;
}

/** Managers of the chain whose rules have never been complete in this process. */
export const incompleteManagers = (facts: Pick<ReadinessFacts, 'chain' | 'isComplete'>): string[] =>
  facts.chain.filter((manager) => !facts.isComplete(manager));
