import type { Random } from '#testkit/properties/random.ts';

/** What a case tells of itself while it runs. */
export interface CaseNotes {
  /** What the case is about to try, for the excerpt of a violation; made into text only then. */
  input(value: unknown): void;
  /** What came of it, to be counted. */
  outcome(name: string): void;
  /** How much of a decision's step budget it took, 0 to 1. */
  budgetShare(share: number): void;
}

/** A target that is ready to be tried. */
export interface OpenTarget {
  /** Makes one case from chance and tries it. @throws whatever is a violation */
  run(random: Random, notes: CaseNotes): void | Promise<void>;
  /** Lets go of all that it holds. @throws when something is left over */
  close?(): Promise<void>;
}

/** One part of latchkey that takes what others wrote. */
export interface FuzzTarget {
  name: string;
  /** Of all cases, when every target is tried. */
  share: number;
  open(): OpenTarget | Promise<OpenTarget>;
}
