import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  bothVersions,
  oneFieldMore,
  secondVersion,
  unknownEdit,
  writeVersion,
} from './flows/other-version.ts';

test('the other versions that the upgrade is tried with can be made of this code', async (t) => {
  for (const version of [oneFieldMore, unknownEdit, bothVersions, secondVersion]) {
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-version-'));
    t.after(() => rm(folder, { recursive: true }));
    await writeVersion(folder, version);
    const contract = join(folder, 'shared/contracts/bus/heartbeat.ts');
    await import(contract);
  }
});
