import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { aPod } from '#testkit/pods/a-pod.ts';
import { runLatchkey } from '#testkit/processes/run-latchkey.ts';

test('explain names the file that has more tokens than it reads, and the line', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-long-file-'));
  context.after(() => rm(folder, { recursive: true }));
  const [long, pod] = [join(folder, 'long.yaml'), join(folder, 'pod.yaml')];
  await writeFile(long, `aws:\n${'- x\n'.repeat(400_000)}`);
  await writeFile(pod, JSON.stringify(aPod({ asks: [{ group: 'db', key: 'pass' }] })));
  for (const args of [['--inventory', long, pod], [long]]) {
    const { code, errors } = await runLatchkey(['explain', ...args]);
    assert.equal(code, 1);
    assert.match(
      errors,
      /long\.yaml cannot be read: it has more than 1000000 tokens.*\(line \d+, column 1\)$/m,
    );
  }
});
