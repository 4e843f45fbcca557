import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeRequirements } from '#testkit/node/node-requirements.ts';
import { aptLine, debianPackages } from '#tools/debian-packages.ts';

const root = join(import.meta.dirname, '../..');

/** The packages of every line that installs some. */
const installed = async (file: string): Promise<string[]> =>
  Array.from((await readFile(join(root, file), 'utf8')).matchAll(/^.*apt-get install .*$/gm), ([line]) =>
    line.trim(),
  );

test('whoever follows CONTRIBUTING.md or .ci/run installs every package', async () => {
  const line = aptLine(debianPackages);
  assert.deepEqual(await installed('CONTRIBUTING.md'), [line]);
  for (const other of await installed('.ci/run')) assert.equal(other, line);
});

test('they are what a command may find missing, and no others', () => {
  assert.deepEqual([...new Set(Object.values(nodeRequirements))].toSorted(), debianPackages);
});
