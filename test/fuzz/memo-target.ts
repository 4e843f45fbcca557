import assert from 'node:assert/strict';
import { admit, type Rules } from '#shared/core/admission/admit.ts';
import { PlanMemo } from '#shared/core/admission/plan-memo.ts';
import { createWorkBudget } from '#shared/core/bounds/work-budget.ts';
import type { RuleChange } from '#shared/core/rules/index/rule-index.ts';
import { createRandom, type Random } from '#testkit/properties/random.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { type FuzzedWorld, fuzzedPod, fuzzedReview, fuzzedWorlds } from './fuzzed-pods.ts';
import { below, jsonBytes, mutateJson } from './mutate.ts';

/** A world whose rules change. */
interface ChangingWorld extends FuzzedWorld {
  stale: Set<string>;
  memo: PlanMemo;
}

/**
 * Decides pods with and without remembered plans, while rules change, managers fall silent and the chain is another.
 * Both answers are the same, for the same steps.
 */
export const memoTarget: FuzzTarget = {
  name: 'memo',
  share: 10,
  open: () => {
    const worlds = fuzzedWorlds().map(changing);
    return {
      run: (random, notes) => {
        const world = random.pick(worlds);
        world.stale.clear();
        if (random.chance(0.05)) world.stale.add(random.pick(world.rules.chain));
        if (random.chance(0.02)) changeRules(random, world);
        const body = aBody(random, world);
        notes.input(body);
        const { rules, memo } = world;
        const hits = memo.hits;
        assert.deepEqual(decide(body, rules, memo), decide(body, rules));
        notes.outcome(memo.hits > hits ? 'remembered' : 'planned');
      },
    };
  },
};

/** Everything that leaves the gateway, and the steps that it took. */
function decide(body: Uint8Array, rules: Rules, memo?: PlanMemo): object {
  const budget = createWorkBudget();
  const { rejected, ...told } = admit(
    body,
    rules,
    memo === undefined ? { budget } : { budget, plan: memo.plan },
  );
  return { ...told, rejected: rejected.length, steps: budget.spent() };
}

function aBody(random: Random, { ask }: FuzzedWorld): Uint8Array {
  // Few secrets, asked for again and again in pods that differ.
  const few = createRandom(below(random, 3));
  const pod = fuzzedPod(random, () => ({ mountRequirement: 0, envVar: '', ...ask(few) }));
  if (random.chance(0.2)) mutateJson(random, pod);
  return jsonBytes(fuzzedReview(random, pod));
}

function changing(world: FuzzedWorld): ChangingWorld {
  const stale = new Set<string>();
  const rules = { ...world.rules, isStale: (manager: string) => stale.has(manager), ageMs: () => 60_000 };
  // Small, so that plans give way to others.
  return { ...world, rules, stale, memo: new PlanMemo(128 * 1_024) };
}

const keys = ['pass', 'a.b', '__proto__', 'constructor'];

/** Makes the chain another, or gives a Secret other keys. */
function changeRules(random: Random, world: ChangingWorld): void {
  const { rules } = world;
  if (random.chance(0.3)) world.rules = { ...rules, chain: [...rules.chain].reverse() };
  else rules.index.apply('k8s', [aChange(random)]);
}

function aChange(random: Random): RuleChange {
  const items = Object.fromEntries(keys.filter(() => random.chance(0.7)).map((key) => [`db/${key}`, {}]));
  const value = random.chance(0.2) ? undefined : { schema: 1, items };
  return { key: { owner: 'k8s', kind: 'entry', namespace: 'ns', secret: 'db' }, value };
}
