import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { compileGlob } from '#shared/core/rules/policy/glob.ts';
import type { Policy } from '#shared/core/rules/policy/policy.ts';
import { compileRecipe } from '#shared/core/rules/recipe/recipe.ts';
import { customManager } from '#shared/managers/custom/custom-manager.ts';
import { managers } from '#shared/managers/shipped/managers.ts';
import { aPod, aReview, bytesOf, mountNumber, someRules } from '#testkit/pods/a-pod.ts';
import { propertyRuns } from '#testkit/properties/property-runs.ts';
import { admit } from './admit.ts';

interface Rule {
  name: string;
  groups?: string[];
  keys?: string[];
  namespaces?: string[];
  serviceAccounts?: string[];
}
interface PolicyText {
  default?: 'allow' | 'deny';
  rules: Rule[];
}

/** What a pod of the namespace is told: the line of the policy that allowed it, or the code. */
function ask(policy: PolicyText, variables: string[], namespace: string, title: string): string | undefined {
  const env = Object.fromEntries(variables.map((name) => [`FLYTE_SECRET_${name}`, 'v']));
  const rules = someRules({ chain: ['global'], policy }, { global: { env } }, namespace);
  const [group = '', key = ''] = title.split('/');
  const asks = [{ group, key, mountRequirement: mountNumber.env }];
  const { secrets, code } = admit(bytesOf(aReview(aPod({ asks }), { namespace })), rules);
  return code ?? secrets[0]?.policy;
}

function globalPolicy(policy: PolicyText): Policy {
  const compiled = compileRecipe(
    managers.get('global')?.recipe(latchkeyConfigSchema.parse({ policy })),
  ).policy;
  assert.ok(compiled);
  return compiled;
}

const forbidden = 'POLICY_FORBIDDEN';
const team = { name: 'team', groups: ['team'], namespaces: ['team', 'both'] };
const teamA = { name: 'team_a', groups: ['team_a'], namespaces: ['team-a', 'both'] };
const reservations: PolicyText = { rules: [team, teamA] };
const variables = ['TEAM_A_TOKEN', 'TEAM_TOKEN'];

test('a rule for group team gives nobody the secret that a rule for group team_a reserves, in any spelling', () => {
  for (const spelling of ['team_a/token', 'team/a_token', 'TEAM/A_token', 'Team_A/TOKEN']) {
    assert.equal(ask(reservations, variables, 'team', spelling), forbidden, spelling);
    assert.equal(ask(reservations, variables, 'other', spelling), forbidden, spelling);
  }
  assert.equal(ask(reservations, variables, 'team-a', 'team_a/token'), 'rule "team_a"');
  assert.equal(ask(reservations, variables, 'team-a', 'team/a_token'), forbidden);
  assert.equal(ask(reservations, variables, 'both', 'team/a_token'), 'rule "team_a"');
  assert.equal(ask(reservations, variables, 'team', 'team/token'), 'rule "team"');
  assert.equal(ask(reservations, variables, 'team-a', 'team/token'), forbidden);
});

test('the copy of a global secret lies where its own rule admits, and not where that of a shorter group does', () => {
  const policy = globalPolicy(reservations);
  const within = (secret: string): string[] =>
    ['team', 'team-a', 'both', 'other'].filter((namespace) => policy.mayReach(secret, namespace));
  assert.deepEqual(within('env:TEAM_A_TOKEN'), ['team-a', 'both']);
  assert.deepEqual(within('env:TEAM_TOKEN'), ['team', 'both']);
  assert.deepEqual(within('file:team_a/token'), ['team-a', 'both']);
  assert.deepEqual(within('env:OTHER_TOKEN'), ['team', 'team-a', 'both', 'other']);
});

test('with default deny a grant gives out the groups and keys that it names, and none that only look alike', () => {
  const grant = (rule: Partial<Rule>): PolicyText => ({ default: 'deny', rules: [{ name: 'g', ...rule }] });
  const etl = grant({ groups: ['etl'] });
  assert.equal(ask(etl, ['ETL_PROD_X', 'ETL_X'], 'ns', 'etl/x'), 'rule "g"');
  for (const spelling of ['etl_prod/x', 'ETL_PROD/X']) {
    assert.equal(ask(etl, ['ETL_PROD_X'], 'ns', spelling), forbidden);
  }
  const open = grant({ groups: ['*'], keys: ['public'] });
  assert.equal(ask(open, ['DB_PUBLIC'], 'ns', 'db/public'), 'rule "g"');
  assert.equal(ask(open, ['DB_NOT_PUBLIC'], 'ns', 'db/not_public'), forbidden);
  const written = grant({ groups: ['wandb'], keys: ['api_key'] });
  assert.equal(ask(written, ['WANDB_API_KEY'], 'ns', 'wandb/api_key'), 'rule "g"');
  assert.equal(ask(written, ['WANDB_API_KEY'], 'ns', 'wandb_api/key'), forbidden);
});

test('of two rules for one group the one that also writes the key decides for it', () => {
  const policy: PolicyText = {
    rules: [
      { name: 'all', groups: ['team'], namespaces: ['a'] },
      { name: 'one', groups: ['team'], keys: ['token'], namespaces: ['b'] },
    ],
  };
  assert.equal(ask(policy, ['TEAM_TOKEN'], 'a', 'team/token'), forbidden);
  assert.equal(ask(policy, ['TEAM_TOKEN'], 'b', 'team/token'), 'rule "one"');
  assert.equal(ask(policy, ['TEAM_OTHER'], 'a', 'team/other'), 'rule "all"');
});

test('two rules that are equally specific for a secret, and mean another one each, must both admit', () => {
  const policy = globalPolicy({
    rules: [
      { name: 'one', groups: ['*'], keys: ['a*'], namespaces: ['x', 'both'] },
      { name: 'other', groups: ['*'], keys: ['b*'], namespaces: ['y', 'both'] },
    ],
  });
  const allowed = (namespace: string): boolean =>
    policy.decide('env:G_A_BC', { namespace, serviceAccount: 'd' }, { group: 'g', key: 'a_bc' }).allowed;
  assert.deepEqual(['x', 'y', 'both'].map(allowed), [false, false, true]);
});

test('a manager of the operator’s own that joins group and key is judged in the same way', () => {
  const recipe = {
    description: 'x',
    inventory: 'open' as const,
    fields: { group: { required: true, format: 'path-segment' as const }, key: { required: true } },
    mounts: { accepts: ['env' as const], any: 'env' as const },
    lookup: ['store-${group}-${key}'],
    edits: { env: [{ env: { name: 'X', value: '${group}-${key}' } }], file: [] },
  };
  const policy = { default: 'deny', rules: [{ name: 'g', groups: ['etl'] }] };
  const config = latchkeyConfigSchema.parse({ policy });
  const own = compileRecipe(customManager('store', recipe as never).recipe(config));
  const decide = (group: string, key: string): boolean | undefined =>
    own.policy?.decide(`store-${group}-${key}`, { namespace: 'ns', serviceAccount: 'd' }, { group, key })
      .allowed;
  assert.equal(decide('etl', 'x'), true);
  assert.equal(decide('etl-prod', 'x'), false);
});

test('a manager of the operator’s own that reads global variables keeps to the rule about the variable, whatever its fields may hold', () => {
  const path = 'dns1123-subdomain' as const;
  const recipe = {
    description: 'x',
    inventory: 'closed' as const,
    source: 'global' as const,
    fields: {
      group: { required: true, format: path },
      key: { required: true, format: 'path-segment' as const },
    },
    mounts: { accepts: ['env' as const], any: 'env' as const },
    lookup: ['env:${group|upper}_${key|upper}'],
    edits: { env: [{ env: { name: 'X', value: '${group}' } }], file: [] },
  };
  const config = latchkeyConfigSchema.parse({ policy: reservations });
  const { policy } = compileRecipe(customManager('store', recipe as never).recipe(config));
  const caller = { namespace: 'team', serviceAccount: 'd' };
  const asked = { group: 'team', key: 'a_token' };
  assert.deepEqual(policy?.decide('env:TEAM_A_TOKEN', caller, asked), {
    allowed: false,
    line: 'rule "team_a"',
  });
});

// A model that knows nothing of templates and indexes: a variable is its text, taken apart at each `_`.

const word = fc.string({ unit: fc.constantFrom('a', 'b', '_'), minLength: 1, maxLength: 4 });
const glob = fc.string({
  unit: fc.constantFrom('a', 'b', '_', 'a', 'b', '*', '?'),
  minLength: 1,
  maxLength: 4,
});
const globs = fc.option(fc.array(glob, { minLength: 1, maxLength: 2 }), { nil: undefined });
const someOf = (...values: string[]) => fc.option(fc.subarray(values, { minLength: 1 }), { nil: undefined });
const aRule = fc.record(
  { groups: globs, keys: globs, namespaces: someOf('x', 'y'), serviceAccounts: someOf('s', 't') },
  { requiredKeys: [] },
);
const aPolicy = fc.record({
  default: fc.constantFrom('allow' as const, 'deny' as const),
  rules: fc.array(aRule, { maxLength: 4 }),
});
type RuleText = { [Field in keyof Omit<Rule, 'name'>]?: string[] | undefined };
type Model = ReturnType<typeof modelOf>;

function modelOf(rule: RuleText) {
  const pairs = (rule.groups ?? ['*']).flatMap((group) =>
    (rule.keys ?? ['*']).map((key) => ({ group: group.toUpperCase(), key: key.toUpperCase() })),
  );
  const measure = (variable: string): number =>
    Math.max(
      ...pairs.map(({ group, key }) => {
        const joined = `${group}_${key}`;
        const prefix = /^[^*?]*/.exec(joined)?.[0].length ?? 0;
        return compileGlob(joined)(variable) ? prefix : -1;
      }),
    );
  return {
    measure,
    names: (group: string, key: string): boolean =>
      pairs.some((pair) => compileGlob(pair.group)(group) && compileGlob(pair.key)(key)),
    admits: (namespace: string, serviceAccount: string): boolean =>
      (rule.namespaces?.includes(namespace) ?? true) &&
      (rule.serviceAccounts?.includes(serviceAccount) ?? true),
  };
}

const splits = (variable: string): { group: string; key: string }[] =>
  [...variable].flatMap((character, at) =>
    character === '_' && at > 0 && at < variable.length - 1
      ? [{ group: variable.slice(0, at), key: variable.slice(at + 1) }]
      : [],
  );

function reserving(models: readonly Model[], variable: string): { about: Model[]; top: Model[] } {
  const about = models.filter(({ measure }) => measure(variable) >= 0);
  const most = Math.max(-1, ...about.map(({ measure }) => measure(variable)));
  return { about, top: about.filter(({ measure }) => measure(variable) === most) };
}

const callers = ['x', 'y'].flatMap((namespace) =>
  ['s', 't'].map((serviceAccount) => ({ namespace, serviceAccount })),
);

test('whatever the rules, nobody gets a variable against its most specific rule, or without a rule that names what is asked', () => {
  const seen = { admitted: 0, refused: 0 };
  fc.assert(
    fc.property(aPolicy, word, word, fc.constantFrom(...callers), (text, first, second, caller) => {
      const rules = text.rules.map((rule, place) => ({ name: `r${place}`, ...rule }));
      const recipe = managers.get('global')?.recipe(latchkeyConfigSchema.parse({}));
      const { policy } = compileRecipe({ ...recipe, policy: { default: text.default, rules } });
      const models = rules.map(modelOf);
      const variable = `${first}_${second}`.toUpperCase();
      const { about, top } = reserving(models, variable);
      const admits = (model: Model): boolean => model.admits(caller.namespace, caller.serviceAccount);
      for (const { group, key } of splits(variable)) {
        const decide = (asked: { group: string; key: string }): boolean | undefined =>
          policy?.decide(`env:${variable}`, caller, asked).allowed;
        const allowed = decide({ group, key });
        assert.equal(decide({ group: group.toLowerCase(), key: key.toLowerCase() }), allowed);
        const literal = models.filter(({ names }) => names(group, key));
        const isGiven = literal.some(admits) || (literal.length === 0 && text.default === 'allow');
        seen[allowed ? 'admitted' : 'refused']++;
        assert.ok(!allowed || (isGiven && (top.some(admits) || top.length === 0)));
        // Where one rule decides there is only one right answer.
        if (about.length < 2) assert.equal(allowed, isGiven && top.every(admits));
      }
    }),
    propertyRuns,
  );
  assert.ok(Math.min(seen.admitted, seen.refused) > propertyRuns.numRuns / 100, JSON.stringify(seen));
});

test('whatever the rules, a copy lies where a pod may be given the variable, and nowhere else', () => {
  fc.assert(
    fc.property(aPolicy, word, word, fc.constantFrom('x', 'y'), (text, first, second, namespace) => {
      const rules = text.rules.map((rule, place) => ({ name: `r${place}`, ...rule }));
      const recipe = managers.get('global')?.recipe(latchkeyConfigSchema.parse({}));
      const { policy } = compileRecipe({ ...recipe, policy: { default: text.default, rules } });
      const variable = `env:${first}_${second}`.toUpperCase().replace('ENV', 'env');
      const readings = splits(variable.slice('env:'.length));
      fc.pre(readings.length > 0);
      const isGiven = callers
        .filter((caller) => caller.namespace === namespace)
        .some((caller) => readings.some((asked) => policy?.decide(variable, caller, asked).allowed));
      assert.equal(policy?.mayReach(variable, namespace), isGiven);
    }),
    propertyRuns,
  );
});
