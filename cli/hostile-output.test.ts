import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { anAnnotation, aPod } from '#testkit/pods/a-pod.ts';
import { runLatchkey as run } from '#testkit/processes/run-latchkey.ts';
import { commandNames } from './command-line.ts';
import { createPrinter } from './printer.ts';

const obeyed = /[^\P{C}\n]|[\p{Zl}\p{Zp}]/u;
const forged = /^FORGED/m;
const turned = 'x\u202egpj.exe\u2066\u2028\u009b31m\u0007\r\u001b[2J\nFORGED: all is well';

const hostilePod = aPod({
  asks: [{ group: 'db', key: 'pass' }],
  annotations: { [`flyte.secrets/s${turned}`]: turned, [turned]: turned },
  spec: { containers: [{ name: turned, image: turned }] },
});
const hostileFlyte = {
  webhook: {
    [turned]: 1,
    secretManagerTypes: ['Vault'],
    vaultSecretManager: { role: 'r\u009b31m\u202e' },
  },
};
const hostileKubeconfig = {
  clusters: [{ name: turned, cluster: { server: `https://${turned}` } }],
  contexts: [{ name: turned, context: { cluster: turned, user: turned } }],
  'current-context': turned,
};
const files = {
  pod: JSON.stringify(hostilePod),
  workloads: JSON.stringify({
    kind: 'List',
    items: [
      { kind: turned, metadata: { name: turned, namespace: turned }, [turned]: hostilePod },
      { kind: turned, metadata: { name: turned } },
    ],
  }),
  flyte: stringify(hostileFlyte),
  flyteManager: stringify({ [turned]: { webhook: { secretManagerTypes: ['K8s', turned] } } }),
  flyteSections: stringify({ [turned]: hostileFlyte, other: { webhook: { secretName: turned } } }),
  flyteFiles: stringify({ kind: 'ConfigMap', data: { [`${turned}.yaml`]: '{}' } }),
  config: stringify({ [turned]: turned, chain: [turned], k8s: { [turned]: 1 } }),
  recipe: stringify({ [turned]: turned, fields: { [turned]: turned } }),
  kubeconfig: stringify(hostileKubeconfig),
};

/** What each command is given, so that a new one is tried as well. */
const linesOf = (path: typeof files): Record<string, string[][]> => ({
  explain: [
    [path.pod],
    [path.pod, '--json'],
    [turned],
    [path.pod, '--config', path.config],
    [path.pod, '--live', '--kubeconfig', path.kubeconfig],
    [path.workloads],
    ['--json', path.workloads],
    [path.pod, '--inventory', path.config],
  ],
  encode: [
    ['--group', turned, '--key', turned],
    ['--mount', turned],
  ],
  decode: [[anAnnotation({ group: turned, key: turned })], [turned]],
  config: [
    ['import', path.flyte],
    ['import', '--json', path.flyte],
    ['import', path.flyteFiles],
    ['import', path.flyteManager],
    ['import', path.flyteSections],
    ['import', '--section', turned, path.flyte],
    ['import', '--object', turned, path.flyte],
    ['import', turned],
  ],
  recipe: [
    ['check', path.recipe],
    ['check', '--json', path.recipe],
    ['check', turned],
  ],
  status: [
    ['--kubeconfig', path.kubeconfig],
    ['--context', turned],
    ['--config', path.config],
  ],
  rotate: [
    ['--ca', '--kubeconfig', path.kubeconfig],
    ['--leaf', '--config', path.config],
    ['--ca', '--wait', '--timeout', turned],
  ],
  'init-certs': [
    ['--print', '--config', path.config],
    ['--print', '-n', turned],
    ['--config', path.config],
  ],
});

test('nothing that a command is given rules a terminal or forges a line of it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-terminal-'));
  t.after(() => rm(folder, { recursive: true }));
  const paths = { ...files };
  for (const name of Object.keys(files) as (keyof typeof files)[]) {
    paths[name] = join(folder, name);
    await writeFile(paths[name], files[name]);
  }
  const lines = linesOf(paths);
  assert.deepEqual(Object.keys(lines).sort(), [...commandNames].sort());
  for (const [command, each] of Object.entries(lines)) {
    for (const args of each) {
      const { output, errors } = await run([command, ...args]);
      assert.notEqual(`${output}${errors}`, '', command);
      for (const shown of [output, errors]) {
        assert.doesNotMatch(shown, obeyed, `${command} ${args.join(' ')}`);
        assert.doesNotMatch(shown, forged, `${command} ${args.join(' ')}`);
      }
    }
  }
  const imported = await run(['config', 'import', paths.flyte]);
  assert.equal(parse(imported.output).vault.role, 'r\u009b31m\u202e');
});

test('every way to print is safe, and no command has another one', async () => {
  const stream = new PassThrough({ encoding: 'utf8' });
  const printer = createPrinter(stream);
  printer.line(turned);
  printer.lines([turned, turned]);
  printer.json({ [turned]: turned });
  printer.yaml({ [turned]: turned });
  await printer.jsonLines(
    (async function* () {
      yield { [turned]: turned };
    })(),
  );
  const shown: string = stream.read();
  assert.doesNotMatch(shown, obeyed);
  assert.doesNotMatch(shown, forged);
  printer.rewrite(turned);
  const rewritten: string = stream.read();
  assert.ok(rewritten.startsWith('\r\u001b[2Kx?gpj.exe'));
  assert.doesNotMatch(rewritten.slice(5), /\p{C}/u);
  const sources = await readdir(import.meta.dirname, { recursive: true });
  for (const file of sources.filter((name) => /(?<!\.test)\.ts$/.test(name) && name !== 'printer.ts')) {
    const source = await readFile(join(import.meta.dirname, file), 'utf8');
    assert.doesNotMatch(source, /\.write\(|console\./, file);
    if (file !== 'main.ts') assert.doesNotMatch(source, /process\.std/, file);
  }
});
