import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { loadLatchkeyFile, parseLatchkeyConfig, watchLatchkeyFile } from './latchkey-file.ts';

const refusesNothing = (): string[] => [];
const silent = pino({ level: 'silent' });

const messageOf = (run: () => unknown): string => {
  try {
    run();
  } catch (err) {
    assert.ok(err instanceof LatchkeyError && err.code === 'CONFIG_INVALID');
    return err.message;
  }
  throw new Error('nothing was thrown');
};

test('an empty file is valid and gives the defaults', () => {
  const config = parseLatchkeyConfig('', 'latchkey.yaml', refusesNothing);
  assert.deepEqual(config.chain, ['global', 'k8s']);
  assert.equal(config.global.delivery, 'reference');
  assert.equal(config.k8s.inventory, 'closed');
});

test('every wrong field is named at once, by its path', () => {
  const text =
    'chain: []\nglobal: {delivery: carrier-pigeon}\nk8s: {namespaces: {names: [Team_A]}}\nwebhok: {}\n';
  const message = messageOf(() => parseLatchkeyConfig(text, 'latchkey.yaml', refusesNothing));
  for (const field of ['chain', 'global.delivery', 'k8s.namespaces.names.0', 'webhok']) {
    assert.match(message, new RegExp(field.replaceAll('.', '\\.')));
  }
  assert.match(message, /4 wrong field/);
});

test('an address of a provider with a login in it is refused, and the login not repeated', () => {
  for (const provider of [
    'vault: {provider: {address: "https://user:hunter2@vault"}}',
    'aws: {provider: {endpoint: "https://hunter2@aws"}}',
    'azure: {provider: {vaultUrls: ["https://:hunter2@vault"]}}',
  ]) {
    const message = messageOf(() => parseLatchkeyConfig(provider, 'latchkey.yaml', refusesNothing));
    assert.match(message, /\.provider\.\S+: holds a login, and credentials never stand here$/);
    assert.doesNotMatch(message, /hunter2/);
  }
});

test('of very many wrong fields the first are named, and how many more there are', () => {
  const chain = (length: number): string => `chain: [${Array.from({ length }, () => 1).join(',')}]`;
  const message = messageOf(() => parseLatchkeyConfig(chain(50), 'latchkey.yaml', refusesNothing));
  assert.match(message, /50 wrong field.*chain\.19: .*\n {2}and 30 more$/s);
  assert.ok(!message.includes('chain.20'));
  const tooMany = messageOf(() => parseLatchkeyConfig(chain(20_000), 'latchkey.yaml', refusesNothing));
  assert.match(tooMany, /has more than 20000 values$/);
});

test('a message does not repeat thousands of unknown fields', () => {
  const text = Array.from({ length: 5_000 }, (_, index) => `unknown${index}: 1`).join('\n');
  const message = messageOf(() => parseLatchkeyConfig(text, 'latchkey.yaml', refusesNothing));
  assert.match(message, /unknown0/);
  assert.ok(message.length < 1_000);
});

test('labels of the namespace selector that Kubernetes would not have are refused, for they would change what is selected', () => {
  const select = (matchLabels: object): unknown =>
    parseLatchkeyConfig(
      JSON.stringify({ k8s: { namespaces: { selector: { matchLabels } } } }),
      'latchkey.yaml',
      refusesNothing,
    );
  for (const [label, value] of Object.entries({
    team: 'a,b',
    'team,other': 'a',
    '!team': '',
    '/team': 'a',
    'team ': 'a',
    tier: '-a',
    level: 'a'.repeat(64),
  })) {
    const message = messageOf(() => select({ [label]: value }));
    assert.ok(message.includes(`k8s.namespaces.selector.matchLabels.${label}: is not the `), message);
  }
  select({ 'latchkey.dev/secrets': 'enabled', team: '', zone: 'EU_1.a-b' });
});

test('text that is not YAML is refused with its line and column', () => {
  assert.match(
    messageOf(() => parseLatchkeyConfig('chain: [a\nk8s: }', 'latchkey.yaml', refusesNothing)),
    /^latchkey\.yaml cannot be read: it is not JSON or YAML \(line 2, column 1\): correct its syntax$/,
  );
});

test('a list of 400,000 items is refused with the file, the limit and the line before anything parses it', () => {
  assert.match(
    messageOf(() =>
      parseLatchkeyConfig(`chain:\n${'- k8s\n'.repeat(400_000)}`, 'latchkey.yaml', refusesNothing),
    ),
    /^latchkey\.yaml cannot be read: it has more than 200000 tokens.* \(line 40001, column 1\)$/,
  );
});

test('a file that is absent says where it was looked for and what to do', async () => {
  await assert.rejects(
    loadLatchkeyFile('/nonexistent/latchkey.yaml', refusesNothing),
    /nonexistent\/latchkey\.yaml.*LATCHKEY_CONFIG/,
  );
});

test('a changed file is handed over, a wrong one keeps the configuration in force', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-file-'));
  t.after(() => rm(dir, { recursive: true }));
  const path = join(dir, 'latchkey.yaml');
  await writeFile(path, '');
  let tick: () => void | Promise<void> = () => undefined;
  const clock: Clock = {
    now: () => 0,
    monotonicMs: () => 0,
    sleep: async () => undefined,
    every: (_ms, task) => {
      tick = task;
      return () => undefined;
    },
  };
  const seen: LatchkeyConfig[] = [];
  const current = await loadLatchkeyFile(path, refusesNothing);
  watchLatchkeyFile({
    path,
    current,
    check: refusesNothing,
    clock,
    log: silent,
    onConfig: (config) => seen.push(config),
  });
  await tick();
  assert.equal(seen.length, 0);
  await writeFile(path, 'chain: [');
  await tick();
  await writeFile(path, 'chain: [k8s]');
  await tick();
  assert.deepEqual(
    seen.map(({ chain }) => chain),
    [['k8s']],
  );
});

test('what parses but cannot be served is refused too', () => {
  const text = 'global: {delivery: inline}\nchain: [k8s, k8s]\n';
  const message = messageOf(() => parseLatchkeyConfig(text, 'latchkey.yaml', () => ['chain: wrong']));
  assert.match(message, /2 wrong field.*chain: wrong.*global\.delivery: /s);
});

test('a manager that this version does not know is a matter of who checks for it', () => {
  const config = parseLatchkeyConfig('chain: [of-a-later-version]', 'latchkey.yaml', refusesNothing);
  assert.deepEqual(config.chain, ['of-a-later-version']);
});
