import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { aPod, aReview, mountNumber } from '#testkit/pods/a-pod.ts';
import { runLatchkey as run } from '#testkit/processes/run-latchkey.ts';
import { commandNames } from './command-line.ts';

async function files(
  context: TestContext,
  contents: Record<string, unknown>,
): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-cli-'));
  context.after(() => rm(folder, { recursive: true }));
  const paths: Record<string, string> = {};
  for (const [name, content] of Object.entries(contents)) {
    paths[name] = join(folder, name);
    await writeFile(paths[name], typeof content === 'string' ? content : JSON.stringify(content));
  }
  return paths;
}

const pod = aPod({
  asks: [
    { group: 'db', key: 'pass', mountRequirement: mountNumber.file },
    { group: 'team', key: 'token', mountRequirement: mountNumber.env },
  ],
});
const inventory =
  'global: {env: {FLYTE_SECRET_TEAM_TOKEN: hunter2}}\nk8s: {default: {db: [pass]}, ns: {db: [pass]}}\n';

test('every command explains itself, and a wrong command line ends with 2', async () => {
  for (const args of [['--help'], ['encode', '-h'], ...commandNames.map((name) => [name, '--help'])]) {
    const { code, output } = await run(args);
    assert.equal(code, 0, args.join(' '));
    assert.match(output, /^Usage: latchkey[\s\S]*Exit codes:/);
  }
  for (const args of [
    [],
    ['dance'],
    ['explain'],
    ['explain', '--dance'],
    ['encode', '--mount', 'X'],
    ['decode'],
    ['rotate'],
    ['rotate', '--ca', '--leaf'],
    ['rotate', '--ca', '--wait', '--timeout', 'soon'],
    ['rotate', '--ca', '--timeout', '1m'],
    ['status', 'now'],
  ]) {
    assert.equal((await run(args)).code, 2, args.join(' '));
  }
});

test('the README lists every command, and no other', async () => {
  const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8');
  const [, section = ''] = readme.split(/^## Commands$/m);
  const [table = ''] = section.split(/^## /m);
  const cells = Array.from(table.matchAll(/^\| (`[^|]*)\|/gm), ([, cell = '']) => cell);
  const listed = cells.flatMap((cell) => Array.from(cell.matchAll(/`([a-z-]+)/g), ([, name = '']) => name));
  assert.deepEqual([...new Set(listed)].sort(), [...commandNames].sort());
});

test('a cluster that does not answer, or that is not there, is named', async (context) => {
  const kubeconfig = {
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
    users: [{ name: 'u', user: {} }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  const paths = await files(context, { kubeconfig, broken: 'clusters:\n- {name: "c""}\n', 'pod.yaml': pod });
  const { kubeconfig: file = '' } = paths;
  const explain = ['explain', '--live', `${paths['pod.yaml']}`];
  for (const command of [['status'], ['rotate', '--ca'], ['init-certs'], explain]) {
    const silent = await run([...command, '--kubeconfig', file]);
    assert.equal(silent.code, 1);
    assert.match(
      silent.errors,
      /KUBERNETES_REFUSED: .* gave no answer \(connect ECONNREFUSED 127\.0\.0\.1:1\); check that it runs and can be reached\n$/,
    );
    assert.match((await run(command)).errors, /CONFIG_INVALID: found no Kubernetes API server/);
    const broken = await run([...command, '--kubeconfig', `${paths.broken}`]);
    assert.equal(broken.code, 1);
    assert.match(broken.errors, /broken cannot be read: it is not JSON or YAML \(line 2, column \d+\)/);
  }
});

test('what encode prints decode reads', async () => {
  const { output } = await run(['encode', '--group', 'g', '--key', 'k', '--mount', 'FILE', '--env-var', 'X']);
  const decoded = await run(['decode', output.trim()]);
  const expected = { group: 'g', groupVersion: '', key: 'k', envVar: 'X', mountRequirement: 'FILE' };
  assert.deepEqual(JSON.parse(decoded.output), expected);
  assert.equal((await run(['decode', '!'])).code, 1);
});

test('explain shows by secret who injects it and how, and the changes of the pod, but no value', async (context) => {
  const paths = await files(context, { 'pod.yaml': pod, 'inventory.yaml': inventory });
  const { code, output } = await run([
    'explain',
    '--inventory',
    `${paths['inventory.yaml']}`,
    `${paths['pod.yaml']}`,
  ]);
  assert.equal(code, 0);
  assert.match(output, /"db\/pass"\n +injected by k8s as file: \/etc\/flyte\/secrets\/db\/pass/);
  assert.match(output, /"team\/token"\n +injected by global as env: _FSEC_TEAM_TOKEN/);
  assert.match(output, /^\+ +- name: _FSEC_TEAM_TOKEN$/m);
  assert.ok(!output.includes('hunter2'));
});

test('explain says why not and ends with 1; a review works as well as a pod', async (context) => {
  const review = aReview(pod);
  const paths = await files(context, { 'review.json': review, 'inventory.yaml': 'k8s: {ns: {}}' });
  const args = ['explain', '--inventory', `${paths['inventory.yaml']}`, `${paths['review.json']}`];
  const people = await run(args);
  assert.equal(people.code, 1);
  assert.match(people.output, /^denied 404 NotFound\n.*\n.*"db\/pass".*was not found for namespace "ns"/);
  const machine = JSON.parse((await run([...args, '--json'])).output);
  assert.equal(machine.response.status.code, 404);
  assert.equal(machine.pod, null);
  assert.equal(machine.secrets[0].verdict, 'lacks');
});

test('explain names the file that is wrong', async (context) => {
  const paths = await files(context, {
    'pod.yaml': pod,
    'config.yaml': 'chain: [k8s, k8s, nobody]',
    'broken.yaml': 'a: [',
    'deep.yaml': `aws:\n${'['.repeat(1_000)}`,
  });
  const chain = await run(['explain', '--config', `${paths['config.yaml']}`, `${paths['pod.yaml']}`]);
  assert.equal(chain.code, 1);
  assert.match(
    chain.errors,
    /CONFIG_INVALID: config has 2 wrong field.*"nobody" is neither.*"k8s" stands in it twice/s,
  );
  assert.match((await run(['explain', `${paths['broken.yaml']}`])).errors, /broken\.yaml cannot be read/);
  for (const args of [
    ['--inventory', `${paths['deep.yaml']}`, `${paths['pod.yaml']}`],
    [`${paths['deep.yaml']}`],
  ]) {
    const { code, errors } = await run(['explain', ...args]);
    assert.equal(code, 1);
    assert.match(errors, /deep\.yaml cannot be read: it is nested too deep \(line 2, column \d+\)$/m);
  }
  assert.match((await run(['explain', '/nowhere/pod.yaml'])).errors, /ENOENT/);
});

test('a batch answers every line in order, an unreadable one with an error', async () => {
  const open = { chain: ['global', 'k8s'], global: { delivery: 'inline' }, k8s: { inventory: 'open' } };
  const global = { env: { FLYTE_SECRET_TEAM_TOKEN: 'v' } };
  const question = { config: open, inventory: { global }, review: aReview(pod) };
  const lines = [
    JSON.stringify({ id: 1, ...question }),
    'not json',
    JSON.stringify({ id: 'two', review: aReview(pod) }),
    '',
    JSON.stringify({ id: 3, ...question, config: { chain: [], colour: 'blue' } }),
    JSON.stringify({ id: 4, ...question, inventory: { global: 5 } }),
    JSON.stringify({ id: 5, ...question, review: { kind: 'Pod' } }),
    JSON.stringify({ id: 6, ...question, review: aReview(null, { operation: 'DELETE' }) }),
    `{"id":7,"review":${'['.repeat(5_000)}}`,
    JSON.stringify({ id: 8, note: 'a\u2028b', ...question, config: { ...open, chain: ['k8s', 'global'] } }),
    JSON.stringify({ id: 9, note: 'a\u2028b', ...question }),
  ];
  const { code, output } = await run(['explain', '--batch'], { input: lines.join('\n') });
  assert.equal(code, 0);
  const answers = output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const outcome = (answer: { error?: { code: string }; response?: { allowed: boolean } }): unknown =>
    answer.error?.code ?? answer.response?.allowed;
  assert.deepEqual(
    answers.map((answer) => [answer.id, outcome(answer)]),
    [
      [1, true],
      [null, 'REQUEST_MALFORMED'],
      ['two', false],
      [3, 'CONFIG_INVALID'],
      [4, 'CONFIG_INVALID'],
      [5, 'REQUEST_MALFORMED'],
      [6, true],
      [null, 'REQUEST_MALFORMED'],
      [8, 'CONFIG_INVALID'],
      [9, true],
    ],
  );
  assert.match(JSON.stringify(answers[0].pod), /"_FSEC_TEAM_TOKEN","value":"v"/);
  assert.equal(answers[2].pod, null);
  assert.match(answers[3].error.message, /chain[\s\S]*colour/);
});

test('a batch reads no recipe files, and says so', async () => {
  const config = { chain: ['own'], custom: { own: '/etc/passwd' } };
  const { output } = await run(['explain', '--batch'], {
    input: JSON.stringify({ id: 1, config, review: aReview(pod) }),
  });
  assert.match(output, /^{"id":1,"error":{"code":"CONFIG_INVALID","message":"config: custom: /);
});

test('a batch arrives in pieces of any size', async () => {
  const line = Buffer.from(`${JSON.stringify({ id: 'é', review: aReview(aPod({})) })}\n`);
  const pieces = Array.from({ length: line.length }, (_, index) => line.subarray(index, index + 1));
  const { output } = await run(['explain', '--batch'], { input: [...pieces, line] });
  const answers = output
    .trimEnd()
    .split('\n')
    .map((answer) => JSON.parse(answer));
  assert.deepEqual(
    answers.map(({ id, response }) => [id, response.allowed]),
    [
      ['é', true],
      ['é', true],
    ],
  );
});
