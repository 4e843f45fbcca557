import { describeAge } from '#shared/core/text/age.ts';

/** Time that a gateway waits for the bus before a snapshot suffices, ms: a connection takes a tenth of it. */
const busPatienceMs = 500;

/** Lists what readiness depends on; docs/architecture.md, "What is stale when", gives the rule. */
export interface ReadinessFacts {
  certificate: 'valid' | 'missing';
  chain: readonly string[];
  /** Tells whether a complete set of the manager's rules is in force. */
  isComplete: (manager: string) => boolean;
  /** Tells whether the manager's resolver was ever heard; before that a missing secret cannot be ruled out. */
  isHeard: (manager: string) => boolean;
  /** Time since the process started, ms. */
  uptimeMs: number;
  /** For how long after the start there was no connection to the bus, ms. */
  withoutBusMs: number;
  /** The snapshot that the gateway began with. */
  snapshot: { takenAt: string; ageMs: number } | undefined;
  readyGraceMs: number;
  draining: boolean;
}

/**
 * Says why a gateway is not ready, one sentence each. Ready = a valid certificate and every manager of the chain complete
 * and heard; after the grace time the complete ones suffice, as long as there is one. Without a bus a snapshot of every
 * manager suffices, also once the bus is there.
 */
export function notReadyReasons(facts: ReadinessFacts): string[] {
  const reasons: string[] = [];
  if (facts.draining) reasons.push('the gateway is stopping');
  if (facts.certificate === 'missing') reasons.push('no valid serving certificate is mounted yet');
  const graceIsOver = facts.uptimeMs >= facts.readyGraceMs;
  if (!(graceIsOver || snapshotSuffices(facts)) || !facts.chain.some(facts.isComplete))
    reasons.push(...missingManagers(facts));
  return reasons;
}

const snapshotSuffices = ({ snapshot, withoutBusMs, chain, isComplete }: ReadinessFacts): boolean =>
  snapshot !== undefined && withoutBusMs >= busPatienceMs && chain.every(isComplete);

/** Gives the snapshot while rules from it are in force that no resolver has confirmed. */
export function snapshotInUse(
  facts: Pick<ReadinessFacts, 'chain' | 'isComplete' | 'isHeard' | 'snapshot'>,
): ReadinessFacts['snapshot'] {
  const isUnconfirmed = (manager: string): boolean => facts.isComplete(manager) && !facts.isHeard(manager);
  return facts.chain.some(isUnconfirmed) ? facts.snapshot : undefined;
}

/** Describes the snapshot in use, for `/readyz` and the log. */
export function snapshotRemarks(facts: Parameters<typeof snapshotInUse>[0]): string[] {
  const snapshot = snapshotInUse(facts);
  return snapshot === undefined
    ? []
    : [`rules from a snapshot taken at ${snapshot.takenAt}, ${describeAge(snapshot.ageMs)} old`];
}

/** Says what each manager of the chain lacks, one sentence each, also when the gateway is ready without it. */
export function missingManagers(facts: Pick<ReadinessFacts, 'chain' | 'isComplete' | 'isHeard'>): string[] {
  return facts.chain.flatMap((manager) => {
    if (!facts.isComplete(manager)) return [`no complete rules of manager ${manager} yet`];
    return facts.isHeard(manager) ? [] : [`the resolver of manager ${manager} was not heard yet`];
  });
}
