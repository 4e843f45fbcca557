import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { askChain } from '#shared/core/rules/chain.ts';
import { createRuleIndex } from '#shared/core/rules/index/rule-index.ts';
import type { ManagerAnswer } from '#shared/core/rules/manager-answer.ts';
import { managers } from './managers.ts';

interface Asked {
  group: string;
  key?: string;
  groupVersion?: string;
}
interface Listed {
  secret: string;
  keys?: string[];
}

const policy = {
  rules: [
    { name: 'by-group', managers: ['vault'], groups: ['*payments*'], namespaces: ['payments'] },
    { name: 'by-key', managers: ['aws'], keys: ['payments/*'], namespaces: ['payments'] },
  ],
};
const closed = { inventory: 'closed' };
const config = (withPolicy: boolean) =>
  latchkeyConfigSchema.parse({
    aws: closed,
    azure: closed,
    vault: closed,
    gcp: { ...closed, provider: { projects: ['first', 'second'] } },
    ...(withPolicy ? { policy } : {}),
  });

/** What a manager answers to a request of namespace `team` when its provider has listed these. */
function answer(name: string, listed: readonly Listed[], asked: Asked, withPolicy = false): ManagerAnswer {
  const manager = managers.get(name);
  assert.ok(manager);
  const index = createRuleIndex();
  const entries = listed.flatMap(({ secret, keys = [] }) => {
    const rule = manager.entry({ schema: 1, source: name, secret, keys, version: '' }, config(withPolicy));
    return rule === undefined ? [] : [rule];
  });
  const faults = index.apply(name, [
    { key: { owner: name, kind: 'recipe' }, value: manager.recipe(config(withPolicy)) },
    ...entries.map(({ namespace, secret, entry }) => ({
      key: { owner: name, kind: 'entry' as const, namespace, secret },
      value: entry,
    })),
  ]);
  assert.deepEqual(faults, []);
  const request = { key: '', groupVersion: '', envVar: '', mountRequirement: 2, ...asked };
  const caller = { namespace: 'team', serviceAccount: 'default' };
  const rules = {
    index,
    chain: [name],
    namespaces: { names: [] },
    skippedContainers: [],
    isStale: () => false,
    ageMs: () => 0,
  };
  const [answer] = askChain(request, caller, rules);
  assert.ok(answer);
  return answer;
}

const answersOf = (name: string, listed: readonly Listed[], asked: readonly Asked[]): string[] =>
  asked.map((each) => answer(name, listed, each).kind);
const nearMisses = (answer: ManagerAnswer): string[] => (answer.kind === 'absent' ? answer.nearMisses() : []);

test('aws: an ARN is found wherever it is split, with and without what AWS puts behind the name', () => {
  const prefix = 'arn:aws:secretsmanager:eu-west-1:1:secret';
  const listed = [{ secret: `${prefix}:team/db-AbCdEf` }];
  const asked = [
    { group: `${prefix}:`, key: 'team/db-AbCdEf' },
    { group: prefix, key: 'team/db' },
    { group: 'arn:aws', key: 'secretsmanager:eu-west-1:1:secret:team/db-AbCdEf' },
    { group: prefix, key: 'team/bd' },
    { group: prefix.replace('eu-west-1', 'eu-west-2'), key: 'team/db' },
  ];
  assert.deepEqual(answersOf('aws', listed, asked), ['found', 'found', 'found', 'absent', 'absent']);
});

test('gcp: the versions that are enabled are found, by a name alone in the first project only', () => {
  const listed = [
    { secret: 'projects/first/secrets/a', keys: ['2', 'latest'] },
    { secret: 'projects/second/secrets/b', keys: ['1', 'latest'] },
    { secret: 'projects/first/secrets/disabled', keys: [] },
  ];
  const asked = [
    { group: 'projects/first/secrets/a', groupVersion: '2' },
    { group: 'a', groupVersion: 'latest' },
    { group: 'projects/second/secrets/b', groupVersion: '1' },
    { group: 'a', groupVersion: '1' },
    { group: 'b', groupVersion: '1' },
    { group: 'disabled', groupVersion: 'latest' },
  ];
  assert.deepEqual(answersOf('gcp', listed, asked), [
    'found',
    'found',
    'found',
    'absent',
    'absent',
    'absent',
  ]);
});

test('azure: the URI is found as Azure writes it; another spelling is a near miss', () => {
  const listed = [{ secret: 'https://v.vault.azure.net/secrets/Token' }];
  const [exact, other] = ['Token/', 'token'].map((name) => ({
    group: `https://v.vault.azure.net/secrets/${name}`,
  }));
  assert.ok(exact && other);
  assert.equal(answer('azure', listed, { ...exact, groupVersion: '3' }).kind, 'found');
  assert.deepEqual(nearMisses(answer('azure', listed, other)), [listed[0]?.secret]);
});

test('vault: a path is found whatever field is asked for', () => {
  const listed = [{ secret: 'secret/data/team/db' }, { secret: 'database/creds/reader' }];
  const asked = [
    { group: 'secret/data/team/db', key: 'password' },
    { group: 'database/creds/reader', key: 'any', groupVersion: 'db' },
    { group: 'secret/data/team', key: 'db' },
  ];
  assert.deepEqual(answersOf('vault', listed, asked), ['found', 'found', 'absent']);
});

test('near misses come from the whole provider, but for what the policy keeps from the caller', () => {
  const arn = 'arn:aws:secretsmanager:eu-west-1:1:secret:';
  const listed = [{ secret: `${arn}team/tokens-AbCdEf` }, { secret: `${arn}payments/token-AbCdEf` }];
  const near = (key: string) => nearMisses(answer('aws', listed, { group: arn, key }, true));
  assert.deepEqual(near('team/token'), [`${arn}team/tokens`]);
  assert.deepEqual(near('payments/tokn'), []);
  assert.equal(answer('aws', listed, { group: arn, key: 'payments/token' }, true).kind, 'forbidden');
});

test('vault: a policy decides by path and field, and as it cannot judge a path alone none is suggested', () => {
  const listed = [{ secret: 'secret/data/payments' }, { secret: 'secret/data/team' }];
  const ask = (group: string, withPolicy: boolean) =>
    answer('vault', listed, { group, key: 'token' }, withPolicy);
  assert.equal(ask('secret/data/payments', true).kind, 'forbidden');
  assert.equal(ask('secret/data/team', true).kind, 'found');
  assert.deepEqual(nearMisses(ask('secret/data/tem', true)), []);
  assert.deepEqual(nearMisses(ask('secret/data/tem', false)), ['secret/data/team']);
});
