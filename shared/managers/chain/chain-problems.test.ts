import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { countCalls } from '#testkit/pods/call-count.ts';
import { chainProblems, serviceProblems } from './chain-problems.ts';

const problems = (config: object): string[] => chainProblems(latchkeyConfigSchema.parse(config));

test('the defaults and the golden configuration have no problem', () => {
  assert.deepEqual(problems({}), []);
  assert.deepEqual(
    problems({ chain: ['global', 'k8s'], global: { delivery: 'inline' }, k8s: { inventory: 'open' } }),
    [],
  );
});

test('a manager in the chain is one that latchkey ships or one of custom', () => {
  const chain = ['global', 'mine', 'k8s'];
  assert.deepEqual(problems({ chain, custom: { mine: 'mine.yaml' } }), []);
  assert.deepEqual(problems({ chain: ['global', 'mine', 'mine'] }).slice(0, 1), [
    'chain: "mine" is neither a manager of latchkey (global, k8s, aws, gcp, azure, vault) nor one of custom',
  ]);
  assert.deepEqual(problems({ custom: { aws: 'aws.yaml' } }), [
    'custom.aws: latchkey has a manager of this name; choose another',
  ]);
});

test('an open manager that hides a later one is a problem, in either delivery', () => {
  for (const delivery of ['inline', 'reference']) {
    const found = problems({ chain: ['k8s', 'global'], global: { delivery }, k8s: { inventory: 'open' } });
    assert.equal(found.length, 1);
    assert.match(found[0] ?? '', /^chain: "global" is never asked, for "k8s"/);
  }
});

test('each provider can follow global, and a provider that takes all hides what comes later', () => {
  for (const name of ['aws', 'gcp', 'azure', 'vault']) {
    assert.deepEqual(problems({ chain: ['global', name] }), []);
    assert.deepEqual(problems({ chain: [name, 'k8s'] }), []);
  }
  assert.deepEqual(problems({ chain: ['global', 'k8s', 'azure', 'gcp', 'vault', 'aws'] }), []);
  assert.match(problems({ chain: ['aws', 'vault'] })[0] ?? '', /"vault" is never asked, for "aws"/);
});

test('a manager named twice is a problem', () => {
  assert.match(problems({ chain: ['global', 'global'] })[0] ?? '', /twice/);
});

test('a rule of the policy about a manager that does not exist is a problem', () => {
  const rule = (managers: string[]): object => ({ rules: [{ name: 'own', managers, groups: ['g'] }] });
  assert.deepEqual(problems({ policy: rule(['vualt', 'aws']) }), [
    'policy: rule "own" is about manager "vualt", and there is none of this name; there are global, k8s, aws, gcp, azure, vault',
  ]);
  const known = rule(['vault', 'mi*', 'g?p']);
  assert.deepEqual(problems({ policy: known, custom: { mine: 'mine.yaml' } }), []);
  assert.equal(problems({ policy: known }).length, 1);
});

test('services refuse a closed inventory of a provider that does not say where it is', () => {
  const closed = { inventory: 'closed' };
  const refused = latchkeyConfigSchema.parse({ aws: closed, gcp: closed, azure: closed, vault: closed });
  assert.deepEqual(
    serviceProblems(refused).map((problem) => problem.split(':')[0]),
    ['gcp.provider.projects', 'azure.provider.vaultUrls', 'vault.provider.address'],
  );
  const served = latchkeyConfigSchema.parse({
    aws: closed,
    gcp: { ...closed, provider: { projects: ['p'] } },
    azure: { ...closed, provider: { vaultUrls: ['https://v.vault.azure.net'] } },
    vault: { ...closed, provider: { address: 'https://vault:8200' } },
  });
  assert.deepEqual(serviceProblems(served), []);
});

test('two rules that write one variable as different groups and keys are errors, all at once, by their names', () => {
  const clashes = (...rules: object[]): string[] => problems({ policy: { rules } });
  const token = { name: 'token', groups: ['team'], keys: ['a_token'], namespaces: ['x'] };
  const teamA = { name: 'team-a', groups: ['team_a'], keys: ['token'], namespaces: ['y'] };
  const all = { name: 'all', groups: ['db'], keys: ['x_*'] };
  const found = clashes(token, teamA, all, { name: 'db-x', groups: ['DB_X'] });
  assert.equal(found.length, 2);
  assert.match(
    found[0] ?? '',
    /^policy: rules "token" and "team-a" .*"env:TEAM_A_TOKEN", one as "TEAM\/A_TOKEN"/,
  );
  assert.match(found[1] ?? '', /^policy: rules "all" and "db-x" /);
  assert.equal(clashes(all, { name: 'odd', groups: ['db_x'], keys: ['*z*'] }).length, 0);
  assert.equal(clashes(all, { name: 'odd', groups: ['db_?'], keys: ['*'] }).length, 0);
  assert.equal(
    clashes(
      { ...token, keys: ['a_*n'] },
      { ...teamA, keys: ['*e'] },
      { name: 'n', groups: ['team_a'], keys: ['*n'] },
    ).length,
    1,
  );
});

test('rules that one name tells apart, that name the same, or that are about other managers are none', () => {
  const clashes = (...rules: object[]): string[] => problems({ policy: { rules } });
  const team = { name: 'team', groups: ['team'] };
  assert.deepEqual(clashes(team, { name: 'team_a', groups: ['team_a'] }), []);
  assert.deepEqual(clashes(team, { ...team, name: 'again', serviceAccounts: ['s'] }), []);
  assert.deepEqual(clashes({ name: 'dev', groups: ['*-dev'] }, { name: 'prd', groups: ['*-prd'] }), []);
  const written = { name: 'w', groups: ['team'], keys: ['a_token'], managers: ['k8s'] };
  assert.deepEqual(clashes(written, { name: 'v', groups: ['team_a'], keys: ['token'] }), []);
  assert.deepEqual(clashes({ ...team, keys: ['a?'] }, { ...team, name: 'b', keys: ['a*'] }), []);
});

/** A policy of rules with 50 groups and 50 keys each, whose names begin alike. */
function manyNames(rules: number, groupOf: (rule: number, index: number) => string, key: string): object {
  const fifty = Array.from({ length: 50 }, (_, index) => index);
  const named = Array.from({ length: rules }, (_, rule) => ({
    name: `r${rule}`,
    groups: fifty.map((index) => groupOf(rule, index)),
    keys: fifty.map((index) => `${10 + index}?${key}`),
  }));
  return { chain: ['global', 'k8s'], policy: { default: 'deny', rules: named } };
}

test('rules that only a very long comparison could tell apart are an error, which names them', () => {
  const config = manyNames(2, (rule, index) => `a?${rule}${10 + index}`, 'z');
  const { result: found, calls } = countCalls(() => problems(config));
  assert.equal(found.length, 1);
  assert.match(
    found[0] ?? '',
    /^policy: rules "r1", "r0" name too many secrets of manager "global" .* give them fewer groups and keys/,
  );
  assert.ok(calls < 2_000_000, `${calls} calls`);
});

test('as many are fine where they begin in their own way', () => {
  assert.deepEqual(problems(manyNames(2, (rule, index) => `a${rule}${10 + index}`, 'z')), []);
});
