import { z } from 'zod';

/**
 * Who may use which secrets. The `policy` section of latchkey.yaml; each resolver publishes its manager's part with its
 * recipe. Globs know `*` (any characters, also `/`) and `?` (one character), nothing else.
 */
const globs = z.array(z.string().min(1).max(256)).min(1).max(50).optional();
const decision = z.enum(['allow', 'deny']);

const whoAndWhat = {
  /** What messages call the rule. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9][-A-Za-z0-9_.]{0,62}$/, 'is not a name of letters, digits, "-", "_" and "."'),
  /** Which secrets; what is left out is any. */
  groups: globs,
  keys: globs,
  /** Who may use them; what is left out is anybody. */
  namespaces: globs,
  serviceAccounts: globs,
  /** Labels `project` and `domain` of Flyte's pods; a pod without the label is none of them. */
  projects: globs,
  domains: globs,
};
const mostRules = 500;
/** Of a group and a key, in all rules together: each becomes names of its own in every process that has the policy. */
const mostPairs = 20_000;

type Named = { groups?: unknown[] | undefined; keys?: unknown[] | undefined };
const fewPairs = {
  check: (rules: readonly Named[]): boolean =>
    rules.reduce((sum, { groups = [''], keys = [''] }) => sum + groups.length * keys.length, 0) <= mostPairs,
  message: `name more than ${mostPairs} pairs of a group and a key, every group of a rule with every key of it: use wildcards`,
};

/**
 * One manager's part, in its recipe. Strict against the habit of messages: a condition that a gateway does not know
 * must not be read as "anybody"; it refuses such a recipe and keeps the one in force.
 */
export const recipePolicySchema = z.strictObject({
  default: decision,
  rules: z.array(z.strictObject(whoAndWhat)).max(mostRules).refine(fewPairs.check, fewPairs.message),
});

const policyRuleSchema = z.strictObject({ ...whoAndWhat, managers: globs });

/** The section of latchkey.yaml. */
export const policySchema = z
  .strictObject({
    /** Of a secret that no rule names. */
    default: decision.default('allow'),
    rules: z.array(policyRuleSchema).max(mostRules).refine(fewPairs.check, fewPairs.message).default([]),
  })
  .superRefine((policy, { addIssue }) => {
    for (const [index, rule] of policy.rules.entries()) {
      const issue = (message: string): void =>
        addIssue({ code: 'custom', path: ['rules', index, 'name'], message });
      const { name, managers, groups, keys } = rule;
      if (policy.rules.findIndex((other) => other.name === name) !== index) issue('is the name of two rules');
      const namesAll = managers === undefined && groups === undefined && keys === undefined;
      if (namesAll && policy.default === 'allow') {
        issue('names every secret, so that nothing is left to "default: allow"; use "default: deny"');
      }
    }
  });

export type RecipePolicy = z.infer<typeof recipePolicySchema>;
export type PolicyConfig = z.infer<typeof policySchema>;
