import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startTelemetry } from '#shared/runtime/telemetry.ts';
import { version } from '#shared/runtime/version.ts';
import { runLatchkey } from '#testkit/processes/run-latchkey.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');

test('the version of package.json is that of the command, the metrics, the lock file and a section of the changelog', async () => {
  const { version: stated }: { version: string } = JSON.parse(await read('package.json'));
  assert.equal(version, stated);
  assert.equal((await runLatchkey(['--version'])).output, `latchkey ${stated}\n`);
  const telemetry = startTelemetry({ service: 't', instance: 'i', namespace: 'n', traces: undefined });
  assert.ok((await telemetry.metricsText()).includes(`service_version="${stated}"`));
  await telemetry.shutdown();
  const lock: { version: string } = JSON.parse(await read('package-lock.json'));
  assert.equal(lock.version, stated);
  assert.match(
    await read('CHANGELOG.md'),
    new RegExp(`^## \\[${stated.replaceAll('.', '\\.')}\\] - \\d`, 'm'),
  );
});

test('an image of latchkey has the version of package.json wherever a tag is written', async () => {
  const tags = [...(await read('deploy/kustomization.yaml')).matchAll(/newTag: (\S+)/g)];
  for await (const path of glob(['README.md', 'docs/**/*.md', 'deploy/**/*', 'docker-compose.yml'], {
    cwd: root,
  })) {
    if (!/\.(md|ya?ml)$|Dockerfile$/.test(path)) continue;
    tags.push(...(await read(path)).matchAll(/\blatchkey:(\d[\w.]*\w)/g));
  }
  assert.ok(tags.length > 1);
  for (const [text, tag] of tags) assert.equal(tag, version, text);
});
