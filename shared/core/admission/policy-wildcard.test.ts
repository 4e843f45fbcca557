import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorkBudget, mostSteps } from '#shared/core/bounds/work-budget.ts';
import { compilePolicy } from '#shared/core/rules/policy/policy.ts';
import { compileLookupName } from '#shared/core/rules/template/lookup-name.ts';
import { allowing } from '#testkit/pods/allowing.ts';

const arn = 'arn:aws:secretsmanager:eu-west-1:1:secret';
const vault = 'https://pay.vault.azure.net';
const defaults = ['allow', 'deny'] as const;

test('a rule for all of a Vault mount keeps its secrets from one for names that begin as data does', () => {
  for (const byDefault of defaults) {
    for (const owner of ['kv/*', 'kv', 'kv/p*', 'kv/data/prod', 'kv/data/*']) {
      const allows = allowing('vault', { owner: [owner], dev: ['kv/d*'], default: byDefault });
      for (const path of ['kv/prod', 'kv/data/prod']) {
        assert.equal(allows('dev', path, 'k'), false, `${owner} ${path}`);
        assert.equal(allows('owner', path, 'k'), true, `${owner} ${path}`);
      }
      assert.equal(allows('dev', 'kv/dev', 'k'), true, owner);
    }
  }
});

test('a rule for names that begin alike keeps an AWS secret from one for its name with a suffix', () => {
  for (const byDefault of defaults) {
    for (const owner of [`${arn} db*`, arn]) {
      const allows = allowing('aws', { owner: [owner], dev: [`${arn} db-*`], default: byDefault });
      assert.deepEqual([allows('dev', arn, 'db'), allows('dev', arn, 'db-AbCdE9')], [false, false], owner);
      assert.deepEqual([allows('owner', arn, 'db'), allows('owner', arn, 'db-AbCdE9')], [true, true], owner);
      assert.equal(allows('dev', arn, 'db-replica'), true, owner);
    }
  }
});

test('a rule for an Azure vault keeps its secrets from one for its certificates, versions or other hosts', () => {
  const cases = [
    ['https://pay.*', 'https://pay.vaultcore.*', 'https://pay.vaultcore.azure.net/secrets/db'],
    [`${vault}/*`, `${vault}/certificates/*`, `${vault}/certificates/db`],
    [`${vault}/secrets/*`, `${vault}/certificates/d*`, `${vault}/certificates/db`],
    [`${vault}/*`, `${vault}/secrets/db/*`, `${vault}/secrets/db/0123`],
  ] as const;
  for (const byDefault of defaults) {
    for (const [owner, dev, asked] of cases) {
      const allows = allowing('azure', { owner: [owner], dev: [dev], default: byDefault });
      assert.deepEqual([allows('dev', asked), allows('dev', `${vault}/secrets/db`)], [false, false], dev);
    }
  }
});

test('a rule that writes out what is asked for is not refused for one with a wildcard', () => {
  const cases = [
    ['aws', arn, `${arn} db-AbCdE9`],
    ['aws', `${arn} db*`, `${arn} db-writer`],
    ['aws', `${arn} db-*`, `${arn} db`],
    ['aws', `${arn} db-??????`, `${arn} db`],
    ['vault', 'kv', 'kv/ml/data/prod k'],
    ['vault', 'kv/*', 'kv/prod k'],
    ['vault', 'kv/data*', 'kv/prod k'],
    ['azure', `${vault}/*`, `${vault}/certificates/db`],
    ['azure', 'https://pay.*', `${vault}/secrets/db/0123`],
    ['azure', 'https://pay.vaultcore.*', `${vault}/secrets/db`],
  ] as const;
  for (const byDefault of defaults) {
    for (const [manager, owner, asked] of cases) {
      const allows = allowing(manager, { owner: [owner], dev: [asked], default: byDefault });
      const [group = '', key] = asked.split(' ');
      assert.equal(allows('dev', group, key), true, `${owner} ${asked}`);
    }
  }
});

/** Which of these nobody but the owner of a rule may use, with `default: allow`. */
const reservedBy = (manager: string, owner: string, asked: readonly string[]): string[] => {
  const allows = allowing(manager, { owner: [owner] });
  return asked.filter((text) => {
    const [group = '', key] = text.split(' ');
    return !allows('dev', group, key);
  });
};

test('an AWS secret is reserved without its suffix by a rule that writes some of the suffix as wildcards', () => {
  const asked = [`${arn} db`, `${arn} db-AbCdE9`];
  for (const key of ['db-??????', 'db-Ab*', 'db-AbCdE?', 'db-AbCdE*', 'db-?bCdE9', 'db-*']) {
    assert.deepEqual(reservedBy('aws', `${arn} ${key}`, asked), asked, key);
  }
  for (const key of ['db-writ*', 'db-w?????', 'db-replica*', 'db-???????', 'db-?????']) {
    assert.deepEqual(reservedBy('aws', `${arn} ${key}`, [`${arn} db`]), [], key);
  }
});

test('an Azure secret is reserved on every host and as every kind by a rule with wildcards in host or kind', () => {
  const asked = [
    `${vault}/secrets/a`,
    'https://pay.vaultcore.azure.net/secrets/a',
    'https://pay.vault.usgovcloudapi.net/secrets/a',
    `${vault}/certificates/a`,
    'https://PAY.vault.azure.net./secrets/A/01',
  ];
  for (const glob of [
    `${vault}*`,
    `${vault}?secrets/a`,
    `${vault}/s*`,
    'https://pay.vault.*',
    'https://pay.vault.azure.*/a',
    'https://p?y.vault.azure.net/secrets/a/01',
    'https://*.vault.azure.net/secrets/a/*',
    '*vault.azure.net/secrets/a',
    'http*://pay.vault.azure.net/secrets/a',
  ]) {
    assert.deepEqual(reservedBy('azure', glob, asked), asked, glob);
  }
  const others = [`${vault}/secrets/b`, 'https://w.vault.azure.net/secrets/a'];
  for (const glob of ['https://pay.vault.*/a', 'https://p?y.vault.azure.net/secrets/a/*', `${vault}/*/a`]) {
    assert.deepEqual(reservedBy('azure', glob, others), [], glob);
  }
});

test('a Vault path is reserved without data by a rule that writes data beside a wildcard, or some of it as one', () => {
  const asked = ['kv/prod k', 'kv/data/prod k'];
  for (const glob of [
    'kv/data*',
    'kv/data*prod',
    'kv/da*/prod',
    'kv/dat?/prod',
    'kv/??ta/prod',
    '*data/prod',
    'kv?data/prod',
    'kv/data?prod',
    'kv/*data/prod',
  ]) {
    assert.deepEqual(reservedBy('vault', glob, asked), asked, glob);
  }
  assert.deepEqual(reservedBy('vault', 'kv/d*', asked), ['kv/data/prod k']);
  assert.deepEqual(reservedBy('vault', 'kv/*/prod', asked), ['kv/data/prod k']);
  assert.deepEqual(reservedBy('vault', 'kv/prod data*', ['kv/prod k']), []);
});

test('every key of a Vault path is kept by a rule for the whole mount from one for names that begin as data does', () => {
  const name = compileLookupName('${group}/${key}', { spelling: 'vault-path', fields: {} }, 'lookup');
  const rules = [
    { name: 'owner', groups: ['kv/*'], namespaces: ['owner'] },
    { name: 'dev', groups: ['kv/d*'], namespaces: ['dev'] },
  ];
  const policy = compilePolicy({ default: 'allow', rules }, [name], 'vault-path');
  const isGiven = (namespace: string, group: string): boolean =>
    policy.decide(`${group}/*`, { namespace, serviceAccount: 'd' }, { group, key: '*', everyKey: true })
      .allowed;
  assert.deepEqual([isGiven('dev', 'kv/data/prod'), isGiven('dev', 'kv/prod')], [false, false]);
  assert.deepEqual([isGiven('owner', 'kv/data/prod'), isGiven('dev', 'kv/dev')], [true, true]);
});

test('a policy of thousands of names with wildcards is held against a request within what a pod may cost', () => {
  const many = (of: (index: number) => string): string[] =>
    Array.from({ length: 50 }, (_, index) => of(index));
  const costOf = (spelling: 'aws-arn' | 'vault-path' | 'azure-uri', glob: string, asked: string): number => {
    const name = compileLookupName('${group}', { spelling, fields: {} }, 'lookup');
    const rules = Array.from({ length: 100 }, (_, at) => ({
      name: `r${at}`,
      groups: many((index) => glob.replace('#', `${at}x${index}`)),
      namespaces: ['ns'],
    }));
    const policy = compilePolicy({ default: 'allow', rules }, [name], spelling);
    const budget = createWorkBudget();
    policy.decide(asked, { namespace: 'ns', serviceAccount: 'd' }, { group: asked, key: '' }, budget);
    return budget.spent();
  };
  const globs = [
    ['azure-uri', 'https://*.vault.azure.net/secrets/a#', `${vault}/certificates/a1x1`],
    ['azure-uri', 'https://*.vault.azure.net/secrets/a#*', `${vault}/certificates/a1x1`],
    ['vault-path', 'kv/data*/a#/k', 'kv/data/a1x1/k'],
    ['aws-arn', 'a:db-#-??????', 'a:db-1x1'],
  ] as const;
  for (const [spelling, glob, asked] of globs) {
    const steps = costOf(spelling, glob, asked);
    assert.ok(steps < mostSteps / 5, `${glob}: ${steps} steps`);
  }
});
