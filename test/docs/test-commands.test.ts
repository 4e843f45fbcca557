import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');

/** The files of a pattern, as `node --test` finds them. */
async function filesOf(pattern: string): Promise<string[]> {
  const files: string[] = [];
  for await (const file of glob(pattern, { cwd: root, exclude: (name) => name === 'node_modules' }))
    files.push(file);
  return files;
}

test('npm test runs every test file, each once', async () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  );
  const commands = Array.from(
    scripts.test?.matchAll(/npm run (test:\w+)/g) ?? [],
    ([, name = '']) => scripts[name],
  );
  const patterns = commands.flatMap((command = '') =>
    Array.from(command.matchAll(/'([^']+)'/g), ([, pattern = '']) => pattern),
  );
  const run = (await Promise.all(patterns.map(filesOf))).flat();
  assert.deepEqual(run.toSorted(), (await filesOf('**/*.test.ts')).toSorted());
});
