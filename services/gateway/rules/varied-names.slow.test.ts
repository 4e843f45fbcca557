import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '../../..');

/** Indexes rules whose items each have a variable of a name that no other has, and prints the heap for each byte that they are charged. */
const program = `
  import { createSetChanges } from '#shared/bus/read/set-changes.ts';
  import { costOf } from '#shared/bus/records/cost.ts';
  import { createRuleIndex } from '#shared/core/rules/index/rule-index.ts';
  const index = createRuleIndex();
  gc();
  const { heapUsed: before } = process.memoryUsage();
  let costBytes = 0;
  for (let record = 0; record < 40; record += 1) {
    const names = Array.from({ length: 2_000 }, (_, item) => (record * 2_000 + item).toString(36));
    const items = Object.fromEntries(names.map((name) => [name, { ['v' + name]: '' }]));
    const [key, bytes] = ['aws.entry._.s' + record, Buffer.from(JSON.stringify({ schema: 1, items }))];
    costBytes += costOf({ key, bytes, deleted: false, trace: {} });
    index.apply('aws', createSetChanges([[key, { deleted: false, bytes, trace: {} }]]));
  }
  gc();
  console.log(JSON.stringify({
    heapPerCharge: (process.memoryUsage().heapUsed - before) / costBytes,
    items: [...index.lookupKeys('aws')].length,
  }));
`;

test('input 74: items whose variables have names of their own take no more memory than five times their charge', async () => {
  const args = ['--expose-gc', '--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  const { heapPerCharge, items } = JSON.parse(stdout) as { heapPerCharge: number; items: number };
  assert.equal(items, 80_000);
  assert.ok(heapPerCharge < 5, `${heapPerCharge}`);
});
