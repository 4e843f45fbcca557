import type { CopyPlan, CopyStep } from './copy-plan.ts';

/** Deletions in one turn; the next turn comes after those of all other namespaces that wait. */
export const straysPerTurn = 16;

/** Says what a turn of a namespace may do now. */
export interface TurnLimits {
  /** Whether the last turn failed and its pause is not over: else every event of a copy would retry it. */
  isResting: boolean;
  /** Time until what somebody else did may be repaired, ms. */
  repairWaitMs: number;
  /** Time until strays may be deleted, ms. */
  strayWaitMs: number;
}

/** Says what to do in one turn of a namespace. */
export interface CopyTurn {
  /** Whether pods must not refer to the copies until the plan is carried out. */
  isSpoilt: boolean;
  /** The steps to carry out now; undefined for none, not even an empty plan. */
  steps: readonly CopyStep[] | undefined;
  /** Whether the steps repair what somebody else did. */
  isRepair: boolean;
  /** Whether the steps delete strays. */
  deletesStrays: boolean;
  /** Time until another turn is due, ms; undefined when an event or the pause of a failure brings it. */
  againInMs: number | undefined;
}

/**
 * Plans a turn. Repairs are paced, so that another writer is not raced, and so are deletions of strays, of which somebody
 * else may make as many as they like.
 */
export function planTurn(plan: CopyPlan, limits: TurnLimits): CopyTurn {
  const { steps, strays, forged, lost, foreign } = plan;
  const isRepair = forged.length + lost.length > 0;
  const isSpoilt = isRepair || foreign.length > 0;
  const idle = { isSpoilt, steps: undefined, isRepair: false, deletesStrays: false, againInMs: undefined };
  if (limits.isResting) return idle;
  if (isRepair && limits.repairWaitMs > 0) return { ...idle, againInMs: limits.repairWaitMs };
  const deletesStrays = strays.length > 0 && limits.strayWaitMs === 0;
  const now = deletesStrays ? strays.slice(0, straysPerTurn) : [];
  const againInMs = strays.length > 0 && !deletesStrays ? limits.strayWaitMs : undefined;
  return { isSpoilt, steps: [...steps, ...now], isRepair, deletesStrays, againInMs };
}
