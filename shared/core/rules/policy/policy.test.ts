import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { type Admission, admit } from '#shared/core/admission/admit.ts';
import { compileRecipe } from '#shared/core/rules/recipe/recipe.ts';
import { managers } from '#shared/managers/shipped/managers.ts';
import { aPod, aReview, bytesOf, mountNumber, someRules } from '#testkit/pods/a-pod.ts';
import { type Caller, type Policy, policyOf } from './policy.ts';

const rulesOf = (policy: object): ReturnType<typeof latchkeyConfigSchema.parse>['policy'] =>
  latchkeyConfigSchema.parse({ policy }).policy;

function aPolicy(manager: string, policy: object): Policy {
  const recipe = managers.get(manager)?.recipe(latchkeyConfigSchema.parse({ policy }));
  const compiled = compileRecipe(recipe).policy;
  assert.ok(compiled);
  return compiled;
}
const caller = (over: Partial<Caller> = {}): Caller => ({
  namespace: 'ns',
  serviceAccount: 'default',
  ...over,
});
const payments = { name: 'payments', groups: ['payments'], namespaces: ['pay-*'] };

test('a rule reserves the secrets that it names; what no rule names goes by the default', () => {
  const policy = aPolicy('k8s', { rules: [payments] });
  const own = caller({ namespace: 'pay-prod' });
  assert.deepEqual(policy.decide('payments/k', own), { allowed: true, line: 'rule "payments"' });
  assert.deepEqual(policy.decide('payments/k', caller()), { allowed: false, line: 'rule "payments"' });
  assert.deepEqual(policy.decide('other/k', caller()), { allowed: true, line: 'default allow' });
  const strict = aPolicy('k8s', { default: 'deny', rules: [payments] });
  assert.deepEqual(strict.decide('other/k', own), { allowed: false, line: 'default deny' });
  assert.deepEqual(strict.decide('payments/k', own), { allowed: true, line: 'rule "payments"' });
});

test('of several rules that name a secret one that admits the pod is enough', () => {
  const second = { name: 'audit', keys: ['k'], serviceAccounts: ['auditor'] };
  const policy = aPolicy('k8s', { rules: [payments, second] });
  assert.equal(policy.decide('payments/k', caller({ serviceAccount: 'auditor' })).line, 'rule "audit"');
  assert.equal(policy.decide('payments/k', caller()).line, 'rules "payments", "audit"');
});

test('projects and domains are the labels of Flyte, and a pod without one is in none', () => {
  const rule = { name: 'prod', groups: ['*'], projects: ['ml'], domains: ['prod*', '*'] };
  const policy = aPolicy('k8s', { rules: [rule] });
  const allowed = (over: Partial<Caller>): boolean => policy.decide('g/k', caller(over)).allowed;
  assert.ok(allowed({ project: 'ml', domain: 'production' }));
  assert.ok(!allowed({ project: 'ml' }));
  assert.ok(!allowed({ project: 'mlx', domain: 'production' }));
});

test('another spelling of group and key does not evade a rule', () => {
  const global = aPolicy('global', { rules: [{ ...payments, groups: ['team'], keys: ['a_b'] }] });
  // TEAM / a_b, team_a / b: all are the variable TEAM_A_B.
  assert.ok(!global.decide('env:TEAM_A_B', caller()).allowed);
  const arn = 'arn:aws:secretsmanager:eu-west-1:1:secret';
  const aws = aPolicy('aws', { rules: [{ ...payments, groups: [arn], keys: ['pay/*'] }] });
  assert.ok(!aws.decide(`${arn}:pay/card`, caller()).allowed);
  assert.ok(aws.decide(`${arn}:other`, caller()).allowed);
});

test('a rule about either spelling of a kv2 path names the secret, whichever the task writes', () => {
  for (const group of ['secret/warehouse', 'secret/data/warehouse', 'secret/*']) {
    const policy = aPolicy('vault', { rules: [{ ...payments, groups: [group] }] });
    for (const asked of ['secret/warehouse/k', 'secret/data/warehouse/k']) {
      assert.ok(!policy.decide(asked, caller()).allowed, `${group} ${asked}`);
      assert.ok(policy.decide(asked, caller({ namespace: 'pay-eu' })).allowed);
    }
    assert.ok(policy.decide('other/warehouse/k', caller()).allowed);
  }
  const wildcard = aPolicy('vault', { rules: [{ ...payments, groups: ['secret/d*/warehouse'] }] });
  assert.ok(!wildcard.decide('secret/data/warehouse/k', caller()).allowed);
  const mount = aPolicy('vault', { rules: [{ ...payments, groups: ['team/data/x'] }] });
  assert.ok(!mount.decide('team/data/data/x/k', caller()).allowed);
  const key = aPolicy('vault', { rules: [{ ...payments, groups: ['secret/x'], keys: ['data'] }] });
  assert.ok(!key.decide('secret/data/x/data', caller()).allowed);
  assert.ok(key.decide('secret/data/x/other', caller()).allowed);
});

test('letter case, a version and the dot of the root do not make another Azure secret', () => {
  const uri = 'https://V.vault.azure.net/secrets/Pay-Card';
  const policy = aPolicy('azure', { rules: [{ ...payments, groups: [uri] }] });
  for (const asked of [
    uri,
    uri.toLowerCase(),
    uri.replace('secrets', 'SECRETS'),
    `${uri}/0123abcd`,
    uri.replace('.net', '.net.'),
  ]) {
    assert.ok(!policy.decide(asked, caller()).allowed, asked);
  }
  assert.ok(policy.decide(`${uri}s`, caller()).allowed);
  const versioned = aPolicy('azure', { rules: [{ ...payments, groups: [`${uri}/0123abcd`] }] });
  assert.ok(!versioned.decide(uri.toLowerCase(), caller()).allowed);
});

test('a rule concerns the managers that it names, and a manager that none concerns has no policy', () => {
  const policy = rulesOf({ rules: [{ ...payments, managers: ['gl*', 'vault'] }] });
  assert.equal(policyOf(policy, 'k8s'), undefined);
  assert.deepEqual(policyOf(policy, 'vault'), { default: 'allow', rules: [payments] });
  assert.deepEqual(policyOf(rulesOf({ default: 'deny' }), 'k8s'), { default: 'deny', rules: [] });
  assert.equal(managers.get('k8s')?.recipe(latchkeyConfigSchema.parse({})).policy, undefined);
});

test('a name given twice, and a rule that would leave nothing to the default, are errors of the configuration', () => {
  const problem = (policy: object): string | undefined => {
    const parsed = latchkeyConfigSchema.safeParse({ policy });
    return parsed.error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join();
  };
  assert.match(problem({ rules: [payments, payments] }) ?? '', /^policy\.rules\.1\.name is the name of two/);
  assert.match(problem({ rules: [{ name: 'all', namespaces: ['x'] }] }) ?? '', /names every secret/);
  assert.equal(problem({ default: 'deny', rules: [{ name: 'all', namespaces: ['x'] }] }), undefined);
  assert.match(problem({ rules: [{ ...payments, users: ['x'] }] }) ?? '', /users/);
});

test('rules that name too many pairs of group and key are an error of the configuration and of a recipe', () => {
  const many = (letter: string): string[] => Array.from({ length: 50 }, (_, index) => `${letter}${index}`);
  const rules = (count: number): object[] =>
    Array.from({ length: count }, (_, index) => ({ name: `r${index}`, groups: many('g'), keys: many('k') }));
  assert.ok(latchkeyConfigSchema.safeParse({ policy: { rules: rules(2) } }).success);
  const { error } = latchkeyConfigSchema.safeParse({ policy: { rules: rules(3) } });
  assert.match(error?.issues[0]?.message ?? '', /more than 5000 pairs/);
  const recipe = managers.get('global')?.recipe(latchkeyConfigSchema.parse({}));
  const policy = { default: 'allow', rules: rules(3) };
  assert.throws(() => compileRecipe({ ...recipe, policy }), { code: 'RECIPE_INVALID' });
});

test('rules by the hundred thousand are refused by their number, and not compared with each other', () => {
  const rules = Array.from({ length: 100_000 }, () => ({ name: 'twice', keys: ['a'] }));
  const { error } = latchkeyConfigSchema.safeParse({ policy: { rules } });
  assert.deepEqual(
    error?.issues.map(({ code, path }) => `${code} ${path.join('.')}`),
    ['too_big policy.rules'],
  );
});

test('a gateway refuses a recipe whose policy has a condition that it does not know', () => {
  const rules = [{ ...payments, clusters: ['a'] }];
  const recipe = managers.get('k8s')?.recipe(latchkeyConfigSchema.parse({}));
  assert.throws(() => compileRecipe({ ...recipe, policy: { default: 'allow', rules } }), {
    code: 'RECIPE_INVALID',
  });
});

const inventory = { global: { files: { 'team/token': 'v' } }, k8s: { ns: { team: ['token', 'tokens'] } } };
const ask = (policy: object, secret: object, pod: object = {}): Admission =>
  admit(bytesOf(aReview(aPod({ asks: [secret], ...pod }))), someRules({ policy }, inventory));
const messageOf = ({ response }: Admission): string =>
  'response' in response ? (response.response.status?.message ?? '') : response.message;
const token = { group: 'team', key: 'token', mountRequirement: mountNumber.env };

test('a forbidden secret is a 403 that names the rule and the pod, the same whether the secret exists', () => {
  const reserved = { rules: [{ name: 'reserved', groups: ['team'], namespaces: ['other'] }] };
  const there = ask(reserved, token);
  assert.equal(there.code, 'POLICY_FORBIDDEN');
  assert.equal('response' in there.response && there.response.response.status?.code, 403);
  for (const part of [/rule "reserved"/, /namespace "ns"/, /service account "default"/]) {
    assert.match(messageOf(there), part);
  }
  const absent = ask(reserved, { ...token, key: 'absent' });
  assert.equal(messageOf(absent).replaceAll('absent', 'token'), messageOf(there));
});

test('a manager that may not serve a secret does not keep a later one from it', () => {
  const policy = {
    rules: [{ name: 'no-globals', managers: ['global'], groups: ['*'], namespaces: ['other'] }],
  };
  const admission = ask(policy, token);
  assert.equal(admission.outcome, 'injected');
  assert.equal(admission.secrets[0]?.manager, 'k8s');
  assert.equal(ask(policy, { ...token, key: 'absent' }).code, 'POLICY_FORBIDDEN');
});

test('the line of the policy that allowed a secret is reported', () => {
  const policy = {
    default: 'deny',
    rules: [{ name: 'mine', namespaces: ['ns'], serviceAccounts: ['task'] }],
  };
  const admission = ask(policy, token, { spec: { containers: [], serviceAccountName: 'task' } });
  assert.equal(admission.secrets[0]?.policy, 'rule "mine"');
  assert.equal(ask(policy, token).code, 'POLICY_FORBIDDEN');
});

test('a similar name is suggested only to a pod that may use it', () => {
  const policy = { rules: [{ name: 'hidden', keys: ['tokens'], namespaces: ['other'] }] };
  assert.doesNotMatch(messageOf(ask(policy, { ...token, key: 'tokenz' })), /team\/tokens"/);
  assert.match(messageOf(ask({}, { ...token, key: 'tokenz' })), /team\/tokens"/);
});

const decides = (manager: string, policy: object, asked: string, own = false): boolean =>
  aPolicy(manager, policy).decide(asked, caller(own ? { namespace: 'pay-eu' } : {})).allowed;
const granting = (groups: string[], keys?: string[]): object => ({
  default: 'deny',
  rules: [{ ...payments, groups, ...(keys === undefined ? {} : { keys }) }],
});
const reserving = (groups: string[], keys?: string[]): object => ({
  ...granting(groups, keys),
  default: 'allow',
});

test('a grant of a Vault path gives out its kv2 spelling, and no path that only a removed data makes alike', () => {
  const grant = granting(['secret/ml/prod']);
  for (const path of ['secret/ml/prod/k', 'secret/data/ml/prod/k', 'secret/ml/prod/below/k']) {
    assert.ok(decides('vault', grant, path, true), path);
  }
  for (const path of [
    'secret/ml/data/prod/k',
    'secret/data/data/ml/prod/k',
    'secret/ml/k',
    'secret/data/k',
  ]) {
    assert.ok(!decides('vault', grant, path, true), path);
  }
  const spelled = granting(['secret/data/ml/prod']);
  assert.ok(decides('vault', spelled, 'secret/ml/prod/k', true));
  assert.ok(!decides('vault', granting(['secret/data/data/ml']), 'secret/data/ml/k', true));
  assert.ok(!decides('vault', granting(['*/data/x']), 'secret/y/x/k', true));
});

test('a grant of a Vault key gives out no key of a path below', () => {
  const grant = granting(['secret/ml'], ['pub*']);
  assert.ok(decides('vault', grant, 'secret/ml/public', true));
  assert.ok(decides('vault', grant, 'secret/data/ml/public', true));
  assert.ok(!decides('vault', grant, 'secret/ml/pub/keys/private', true));
  assert.ok(!decides('vault', reserving(['secret/ml'], ['pub*']), 'secret/ml/pub/keys/private'));
});

test('a rule about a Vault path reserves it wherever data may stand, and with a slash in front of the rule', () => {
  for (const group of ['secret/ml/prod', '/secret/ml/prod', 'secret/data/ml/prod']) {
    for (const path of ['secret/ml/data/prod/k', 'secret/data/data/ml/prod/k', 'secret/ml/prod/k']) {
      assert.ok(!decides('vault', reserving([group]), path), `${group} ${path}`);
    }
  }
  assert.ok(decides('vault', reserving(['secret/ml/prod']), 'secret/ml/Prod/k'));
});

test('an AWS secret is reserved with and without the six characters of its ARN, and given out as it is written', () => {
  const arn = 'arn:aws:secretsmanager:eu-west-1:1:secret';
  assert.ok(!decides('aws', reserving([arn], ['pay']), `${arn}:pay-AbCdEf`));
  assert.ok(!decides('aws', reserving([arn], ['pay-AbCdEf']), `${arn}:pay`));
  assert.ok(decides('aws', reserving([arn], ['db-writer']), `${arn}:db-reader`));
  assert.ok(decides('aws', reserving([arn], ['db-writer']), `${arn}:db`));
  assert.ok(decides('aws', granting([arn], ['pay']), `${arn}:pay`, true));
  assert.ok(!decides('aws', granting([arn], ['pay']), `${arn}:pay-AbCdEf`, true));
  assert.ok(decides('aws', granting([arn], ['pay*']), `${arn}:pay-AbCdEf`, true));
  assert.ok(!decides('aws', reserving([arn], ['pay']), `${arn}:pay-AbCdEf`));
});

test('an AWS ARN that is granted is given out wherever a task splits it', () => {
  const arn = 'arn:aws:secretsmanager:eu-west-1:1:secret';
  const rules = someRules({ chain: ['aws'], policy: granting([arn], ['pay']) }, {}, 'pay-eu');
  for (const [group, key] of [
    [arn, 'pay'],
    ['arn:aws', 'secretsmanager:eu-west-1:1:secret:pay'],
    [`${arn}:`, ':pay'],
  ] as const) {
    const pod = aPod({ asks: [{ group, key, mountRequirement: mountNumber.file }] });
    assert.equal(admit(bytesOf(aReview(pod, { namespace: 'pay-eu' })), rules).outcome, 'injected');
  }
});

test('an Azure vault is reserved by all its hosts and object kinds, and a grant of one version gives out that one', () => {
  const uri = 'https://v.vault.azure.net/secrets/pay';
  for (const other of [
    'https://v.vault.azure.net../secrets/pay',
    'https://V.vaultcore.azure.net/secrets/PAY',
    'https://v.privatelink.vaultcore.azure.net/secrets/pay/0123',
    'https://v.vault.azure.net/certificates/pay',
  ]) {
    assert.ok(!decides('azure', reserving([uri]), other), other);
    assert.equal(decides('azure', granting([uri]), other, true), false, other);
  }
  assert.ok(decides('azure', reserving([uri]), 'https://w.vault.azure.net/secrets/pay'));
  assert.ok(decides('azure', granting([uri]), `${uri.toUpperCase().replace('HTTPS', 'https')}/0123`, true));
  assert.ok(!decides('azure', granting([`${uri}/0123`]), uri, true));
  assert.ok(!decides('azure', granting([`${uri}/0123`]), `${uri}/4567`, true));
  assert.ok(decides('azure', granting([`${uri}/0123`]), `${uri}/0123`, true));
});

test('a GCP secret is the one of the project that the rule writes, whatever version is asked for', () => {
  const grant = granting(['projects/p/secrets/pay']);
  assert.ok(decides('gcp', grant, 'projects/p/secrets/pay/versions/3', true));
  assert.ok(!decides('gcp', grant, 'pay/versions/3', true));
  assert.ok(!decides('gcp', grant, 'projects/q/secrets/pay/versions/3', true));
  const reserved = reserving(['pay', 'projects/*/secrets/pay']);
  for (const group of ['pay', 'projects/123/secrets/pay', 'projects/p/locations/eu/secrets/pay']) {
    assert.ok(!decides('gcp', reserved, `${group}/versions/latest`), group);
  }
});

test('a Kubernetes Secret and a file have one name, so that no rule is about one of another group', () => {
  assert.ok(!decides('k8s', granting(['team']), 'team-a/k', true));
  assert.ok(decides('k8s', reserving(['team']), 'team-a/k'));
  assert.ok(!decides('global', granting(['ml']), 'file:ml_prod/db', true));
  assert.ok(decides('global', granting(['ml']), 'file:ml/prod_db', true));
  assert.ok(!decides('global', granting(['ml']), 'file:ML/prod_db', true));
});

test('a rule with service accounts alone admits one of that name in every namespace', () => {
  const policy = aPolicy('k8s', { rules: [{ name: 'r', groups: ['g'], serviceAccounts: ['etl'] }] });
  assert.ok(policy.decide('g/k', caller({ namespace: 'anywhere', serviceAccount: 'etl' })).allowed);
  assert.ok(!policy.decide('g/k', caller({ namespace: 'anywhere' })).allowed);
});
