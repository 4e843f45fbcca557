import type { KeyRing } from '#shared/core/rules/index/key-ring.ts';
import type { GlobalSecret } from './global-secrets.ts';
import { inlineText, type SealedFact, sealFact } from './sealed-fact.ts';

/** Puts, or without a fact removes, what is published of a global secret. */
interface FactChange {
  name: string;
  fact: SealedFact | undefined;
  /** Why the value cannot be the text of a variable; undefined for one that is gone. */
  problem?: string;
}

/** Holds what becomes of each global secret. */
interface SealingPlan {
  changes: FactChange[];
  /** How many stay as they are, since there is no key to seal with. */
  unsealed: number;
}

/**
 * Plans what is published of the global secrets, each sealed under the current key.
 * @param known.published names of those that are published
 * @param known.factOf what was published of one before, in this process or an earlier one
 */
export function planSealing(
  globals: readonly GlobalSecret[],
  { ring, epoch }: { ring: KeyRing; epoch: number },
  known: { published: Iterable<string>; factOf(name: string): SealedFact | undefined },
): SealingPlan {
  const names = new Set(globals.map(({ name }) => name));
  const gone = [...known.published].filter((name) => !names.has(name));
  const plan: SealingPlan = { changes: gone.map((name) => ({ name, fact: undefined })), unsealed: 0 };
  for (const global of globals) {
    const { name } = global;
    const read = inlineText(global.value);
    if ('problem' in read) {
      plan.changes.push({ name, fact: undefined, problem: read.problem });
      continue;
    }
    const fact = sealFact(global, read.text, { ring, epoch, before: known.factOf(name) });
    if (fact === undefined) plan.unsealed += 1;
    else plan.changes.push({ name, fact });
  }
  return plan;
}
