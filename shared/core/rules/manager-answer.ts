import type { ErrorCode } from '#shared/contracts/error-registry.ts';
import type { Mount } from '#shared/contracts/rules/rule-recipe.ts';
import type { CompiledRecipe } from '#shared/core/rules/recipe/recipe.ts';
import type { Variables } from '#shared/core/rules/template/template.ts';

/** The answer of one manager to one request; docs/architecture.md says what each means for the pod. */
export type ManagerAnswer = { manager: string } & (
  | { kind: 'ineligible'; code: ErrorCode; reason: string; open: boolean }
  /** By the policy, before anybody looks whether it exists. */
  | { kind: 'forbidden'; policyLine: string }
  | { kind: 'found'; match: Match; stale: boolean }
  /** `nearMisses` searches the names that the manager has, which only an answer that tells of them is worth. */
  | { kind: 'absent'; lookedFor: string; nearMisses: () => string[]; ageMs: number }
  | { kind: 'unknown'; cause: 'no-rules' | 'namespace'; stale: false }
  /** It may be among what the manager leaves out, for it is too much. */
  | { kind: 'unknown'; cause: 'left-out'; what: 'secret' | 'namespace'; stale: false }
  /** It was absent when the manager was last heard. */
  | { kind: 'unknown'; cause: 'stale'; stale: true; ageMs: number }
);

/** What the edits of a secret that was found are rendered from, and how it was found. */
export interface Match {
  recipe: CompiledRecipe;
  mount: Mount;
  variables: Variables;
  /** The name under which it was found, or of an open manager the first under which it may be. */
  lookupKey: string;
  traceparents: string[];
  /** The line of the policy that allowed it; undefined without a policy. */
  policyLine: string | undefined;
}
