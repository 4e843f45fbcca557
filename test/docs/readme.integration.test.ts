import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { runLatchkey } from '#testkit/processes/run-latchkey.ts';

const root = join(import.meta.dirname, '../..');
const readme = await readFile(join(root, 'README.md'), 'utf8');
const install = await readFile(join(root, 'docs/install.md'), 'utf8');

test('the configuration in the install page is valid, and its values are the defaults', () => {
  const shown: unknown = parse(/```yaml\n(.*?)```/s.exec(install)?.[1] ?? '');
  assert.deepEqual(latchkeyConfigSchema.parse(shown), latchkeyConfigSchema.parse({}));
});

test('every npm script and every file that the README and the install page name exists', async () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  );
  for (const [page, folder] of [
    [readme, root],
    [install, join(root, 'docs')],
  ] as const) {
    for (const [, script = ''] of page.matchAll(/npm run (?:-s )?([a-z:-]+)/g))
      assert.ok(scripts[script], script);
    for (const [, path = ''] of page.matchAll(/\]\(((?!https?:)[^)#]+)(?:#[^)]*)?\)/g))
      await readFile(join(folder, path));
  }
});

test('the explain command of the README admits its example and names both managers', async () => {
  const [, args = ''] = /npm run -s latchkey -- (explain --config .*)/.exec(readme) ?? [];
  const { stdout } = await promisify(execFile)(process.execPath, ['cli/main.ts', ...args.split(' ')], {
    cwd: root,
  });
  for (const shown of ['k8s', 'global', 'DB_PASSWORD', 'latchkey-global-'])
    assert.ok(stdout.includes(shown), shown);
});

/** Explains the README's pod, whose annotation the README's own `encode` command writes. */
async function explainExample(t: TestContext, change: (args: string) => string) {
  const [, name = '', args = ''] =
    /"(flyte\.secrets\/s\d+)=\$\(npm run -s latchkey -- (encode [^)]*)\)"/.exec(readme) ?? [];
  const annotation = (await runLatchkey(change(args).split(' '))).output.trim();
  const folder = await mkdtemp(join(tmpdir(), 'readme-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'pod.json');
  const metadata = {
    name: 'train',
    namespace: 'flytesnacks-development',
    labels: { 'inject-flyte-secrets': 'true' },
    annotations: { [name]: annotation },
  };
  const spec = { containers: [{ name: 'train', image: 'python:3.13-slim' }] };
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec }));
  const inventory = join(root, 'docs/examples/inventory.yaml');
  const { output } = await runLatchkey(['explain', '--json', '--inventory', inventory, file]);
  return JSON.parse(output);
}

test('the pod of the README gets the variable that the README shows', async (t) => {
  const { pod } = await explainExample(t, (args) => args);
  const shown: unknown = JSON.parse(/```json\n(.*?)```/s.exec(readme)?.[1] ?? '');
  assert.deepEqual(pod.spec.containers[0].env[0], shown);
});

test('with a misspelt key the pod gets the denial that the README shows', async (t) => {
  const [, key = ''] = /With `--key (\w+)`/.exec(readme) ?? [];
  const { response } = await explainExample(t, (args) => args.replace(/--key \w+/, `--key ${key}`));
  assert.equal(response.status.message, /```text\n(.*?)\n```/s.exec(readme)?.[1]);
});
