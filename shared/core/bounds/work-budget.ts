import { LatchkeyError } from '#shared/contracts/error-registry.ts';

/** What one decision may still cost: a decision holds the gateway's event loop until it is done. */
export interface WorkBudget {
  /**
   * Takes steps of the budget before they are done. A step is about 50 ns: one entry of a list, one comparison.
   * @throws POD_TOO_LARGE when less is left
   */
  spend(steps: number): void;
  /** Steps taken so far, never more than the budget has. */
  spent(): number;
}

/** Some 50 ms. 256 secrets for 150 containers, the most that a pod can store, take 70 % of it. */
export const mostSteps = 1_000_000;

/** An entry that is looked up and held against what it should be. */
export const comparisonSteps = 4;

/** The name of a container or volume, of 253 characters at most, that is looked up. */
export const nameSteps = 8;

/**
 * What an entry costs that is added: to make and write it now, and to read, find and compare it when the API server asks
 * again about the patched pod. Who pays it once never costs more the second time.
 */
export const additionSteps = (characters: number): number => 12 + Math.ceil(characters / 32);

/** A budget of its own for each decision, which ends in an answer instead of a stall. */
export function createWorkBudget(limit = mostSteps): WorkBudget {
  let spent = 0;
  return {
    spend: (steps) => {
      if (spent + steps > limit) {
        throw new LatchkeyError(
          'POD_TOO_LARGE',
          'the pod has too many entries for that many secrets: ask for fewer secrets, or shorten its lists',
        );
      }
      spent += steps;
    },
    spent: () => spent,
  };
}
