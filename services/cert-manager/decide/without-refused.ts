import type { RotationFacts, WriteKind } from './rotation-facts.ts';

/** Names the writes without which the rest can go on: the leaf comes after them. */
export type SparableWrite = Exclude<WriteKind, 'write-serving-secret'>;

export const sparableWrites: readonly SparableWrite[] = ['write-ca-secret', 'repair-webhook'];

/** Describes a write that the API server refused. */
export interface RefusedWrite {
  reason: string;
  /** Refusals in a row. */
  count: number;
  /** Whether only an operator can help: a right is missing, or it was refused repeatedly. */
  isLasting: boolean;
}

/**
 * Returns the facts as they are decided on while refused writes are left alone. The webhook configuration then counts as
 * deferred, and as unmanaged once the refusal lasts: leaf and rotation check themselves what is trusted.
 */
export function withoutRefused(
  facts: RotationFacts,
  refused: { left(write: SparableWrite): RefusedWrite | undefined },
): RotationFacts {
  const [webhook, ca] = [refused.left('repair-webhook'), refused.left('write-ca-secret')];
  const deferred = { ...facts.webhook, drifted: false, isBundleDeferred: true };
  const unmanagedReason = facts.webhook.unmanagedReason ?? webhook?.reason;
  return {
    ...facts,
    ...(webhook === undefined
      ? {}
      : { webhook: webhook.isLasting ? { ...facts.webhook, unmanagedReason } : deferred }),
    ...(ca === undefined
      ? {}
      : { unwritable: { serving: facts.unwritable?.serving, ca: facts.unwritable?.ca ?? ca.reason } }),
  };
}
