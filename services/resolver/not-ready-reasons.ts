/** Holds what the readiness of a resolver depends on. */
export interface ResolverFacts {
  manager: string;
  /** Source of the manager's inventory. */
  source: string;
  /** Whether a provider is listed for the inventory; else discovery's is read from the bus. */
  isPolled: boolean;
  isStopping: boolean;
  isConnected: boolean;
  /** Whether the resolver would hear another one that publishes the manager. */
  isDeaf: boolean;
  /** Whether the rules of the whole inventory are known. */
  isComplete: boolean;
  isPublished: boolean;
  /** The process that publishes the manager, while this one stands by. */
  leader: { uid: string; epoch: number } | undefined;
}

/** Says why a resolver is not ready, one sentence each. A standby is ready once it could publish at once. */
export function notReadyReasons(facts: ResolverFacts): string[] {
  const { manager, isPublished, isComplete, leader } = facts;
  const deaf = `does not hear its own heartbeats on latchkey.heartbeat.resolver.${manager}.*: check its NATS permissions`;
  const reasons: string[] = [];
  if (facts.isStopping) reasons.push('the resolver is stopping');
  if (!facts.isConnected) reasons.push('not connected to NATS');
  if (facts.isConnected && facts.isDeaf) reasons.push(deaf);
  const couldPublish = leader !== undefined && isComplete;
  if (!isPublished && !couldPublish) {
    reasons.push(isComplete ? `the rules of ${manager} are not on the bus yet` : missingInventory(facts));
  }
  return reasons;
}

const missingInventory = ({ manager, source, isPolled }: ResolverFacts): string =>
  isPolled
    ? `${manager} has not been listed completely yet`
    : `no inventory of ${source} yet that is complete and that discovery confirms`;

/** Says that a resolver stands by, and for whom. */
export const standbyRemarks = ({ manager, leader }: ResolverFacts): string[] =>
  leader === undefined
    ? []
    : [`standby: the resolver in pod ${leader.uid} publishes ${manager} with epoch ${leader.epoch}`];
