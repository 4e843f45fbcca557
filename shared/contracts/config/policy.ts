import { z } from 'zod';

/**
 * Who may use which secrets. The `policy` section of latchkey.yaml; each resolver publishes its manager's part with its
 * recipe. Globs know `*` (any characters, also `/`) and `?` (one character), nothing else.
 */
const glob = z.string().min(1).max(256).meta({ title: 'glob' });
const globs = (meaning: string) => z.array(glob).min(1).max(50).optional().describe(meaning);
const decision = z.enum(['allow', 'deny']);

const whoAndWhat = {
  name: z
    .string()
    .regex(/^[A-Za-z0-9][-A-Za-z0-9_.]{0,62}$/, 'is not a name of letters, digits, "-", "_" and "."')
    .meta({ title: 'rule name' })
    .describe('Name of the rule in messages.'),
  groups: globs('Groups of the secrets that the rule names; left out: any.'),
  keys: globs('Keys of the secrets that the rule names; left out: any.'),
  namespaces: globs('Namespaces that may use them; left out: any.'),
  serviceAccounts: globs('ServiceAccounts that may use them; left out: any.'),
  projects: globs("Flyte projects that may use them, by the pod's label `project`; left out: any."),
  domains: globs("Flyte domains that may use them, by the pod's label `domain`; left out: any."),
};
/** Every rule is compared with every other: a list that is longer is not looked into. */
const mostRules = 500;
/**
 * Of a group and a key, in all rules together: each becomes names of its own in every process that has the policy, in one
 * turn of its event loop for each manager.
 */
const mostPairs = 5_000;

interface Named {
  groups?: unknown[] | undefined;
  keys?: unknown[] | undefined;
}
const fewPairs = {
  check: (rules: readonly Named[]): boolean =>
    rules.reduce((sum, { groups = [''], keys = [''] }) => sum + groups.length * keys.length, 0) <= mostPairs,
  message: `name more than ${mostPairs} pairs of a group and a key, every group of a rule with every key of it: use wildcards`,
};

/** Comparisons of conditions, in characters of two globs: a second of discovery at most, once. */
const mostConditionSteps = 10_000_000;
/** Two globs of one star each are compared by their ends. */
const stepsOfSimplePair = 4;

/**
 * Bounds what it costs to find the rules that have a caller in common: every two globs of a condition, where one has a
 * wildcard, and character by character where one has several.
 */
function conditionSteps(globsOfRules: readonly (readonly string[] | undefined)[]): number {
  const all = globsOfRules.flatMap((of) => of ?? []);
  const wild = all.filter((one) => /[*?]/.test(one));
  const charactersOf = (some: readonly string[]): number => some.reduce((sum, one) => sum + one.length, 0);
  const several = wild.filter((one) => !/^[^*?]*\*[^*?]*$/.test(one));
  return stepsOfSimplePair * wild.length * all.length + charactersOf(several) * charactersOf(all);
}

/**
 * One manager's part, in its recipe. Strict against the habit of messages: a condition that a gateway does not know
 * must not be read as "anybody"; it refuses such a recipe and keeps the one in force.
 */
export const recipePolicySchema = z.strictObject({
  default: decision,
  rules: z
    .array(z.strictObject(whoAndWhat))
    .max(mostRules, { abort: true })
    .refine(fewPairs.check, fewPairs.message),
});

const policyRuleSchema = z.strictObject({
  ...whoAndWhat,
  managers: globs('Managers of the secrets that the rule names; left out: any.'),
});

/** The section of latchkey.yaml. */
export const policySchema = z
  .strictObject({
    default: decision.default('allow').describe('What holds for a secret that no rule names.'),
    rules: z
      .array(policyRuleSchema)
      .max(mostRules, { abort: true })
      .refine(fewPairs.check, fewPairs.message)
      .default([])
      .describe('Rules, each of which names secrets and who may use them (docs/policy.md).'),
  })
  .superRefine((policy, { addIssue }) => {
    for (const condition of ['serviceAccounts', 'projects', 'domains'] as const) {
      if (conditionSteps(policy.rules.map((rule) => rule[condition])) <= mostConditionSteps) continue;
      const message = `have too many ${condition} with wildcards to be compared: write names out, or use one wildcard a glob`;
      addIssue({ code: 'custom', path: ['rules'], message });
    }
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
