import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';
import { type Addition, addition } from '#shared/core/patch/add-operation.ts';
import { type PodPlan, planPod } from '#shared/core/patch/pod-plan.ts';
import { newChainWork, type Rules } from '#shared/core/rules/chain.ts';
import type { Caller } from '#shared/core/rules/policy/policy.ts';
import { type Denial, denialOf, type RejectedSecret } from './denial.ts';
import { type DecidedSecret, decideSecret, type Injection } from './secret-decision.ts';

/** An annotation that asks for a secret. */
export interface AskedSecret {
  annotation: string;
  value: string;
}

/** What the requests of a pod come to, whatever else it has. All or nothing, with as many decisions as were made. */
export type PlannedRequests = { decided: readonly DecidedSecret[] } & (
  | { plan: PodPlan; report: Addition<string>; steps: PlanSteps }
  | { denial: Denial }
);

/** What it has cost to decide the requests, and then to join what they want. */
export interface PlanSteps {
  decide: number;
  join: number;
}

/** Decides the requests of a pod and joins what they want. @throws POD_TOO_LARGE when deciding them costs too much */
export function planRequests(
  asked: readonly AskedSecret[],
  caller: Caller,
  rules: Rules,
  budget: WorkBudget,
): PlannedRequests {
  const begun = budget.spent();
  const work = newChainWork(budget);
  const decided = asked.map((one) => decideSecret(one, caller, rules, work));
  const denial = denialOf(rejectionsOf(decided));
  if (denial !== undefined) return { decided, denial };
  const injections = injectionsOf(decided);
  const report = Object.fromEntries(injections.map(({ title, rule }) => [title, rule]));
  const joined = budget.spent();
  return orDenial(decided, () => {
    const plan = planPod(injections, budget);
    const steps = { decide: joined - begun, join: budget.spent() - joined };
    return { decided, plan, report: addition(JSON.stringify(report)), steps };
  });
}

/** Has secrets that cannot be joined (two want one place, or it costs too much) denied as they were decided. */
export function orDenial(decided: readonly DecidedSecret[], join: () => PlannedRequests): PlannedRequests {
  try {
    return join();
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error;
    return { decided, denial: error };
  }
}

/** Lists what is injected. */
export function injectionsOf(decided: readonly DecidedSecret[]): Injection[] {
  const injections: Injection[] = [];
  for (const secret of decided) if ('injection' in secret) injections.push(secret.injection);
  return injections;
}

/** Lists what is refused. */
export function rejectionsOf(decided: readonly DecidedSecret[]): RejectedSecret[] {
  const rejections: RejectedSecret[] = [];
  for (const secret of decided) if ('rejection' in secret) rejections.push(secret.rejection);
  return rejections;
}
