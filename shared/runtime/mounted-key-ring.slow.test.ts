import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { projectFolder } from '#deploy/compose/projected-folder.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { systemClock } from './clock.ts';
import { followKeyRing } from './mounted-key-ring.ts';

const newKey = (): string => randomBytes(32).toString('base64');
const filesOf = (files: Record<string, string>): Map<string, Buffer> =>
  new Map(Object.entries(files).map(([name, content]) => [name, Buffer.from(content)]));

test('a mounted ring is followed through its symlinks, a broken one changes nothing, and no key is logged', async (t) => {
  const parent = await mkdtemp(join(tmpdir(), 'latchkey-key-ring-'));
  t.after(() => rm(parent, { recursive: true, force: true }));
  const folder = join(parent, 'keyring');
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  const ring = followKeyRing({ folder, clock: systemClock, log });
  await ring.start();
  t.after(() => ring.stop());
  assert.equal(ring.current().keys.size, 0);

  const [a, b] = [newKey(), newKey()];
  const until = (what: string, met: () => boolean) => waitFor(met, { timeoutMs: 10_000, what });
  await projectFolder(folder, filesOf({ a }));
  await until('key a', () => ring.current().sealingKid === 'a');
  await projectFolder(folder, filesOf({ a, b, current: 'b' }));
  await until('key b', () => ring.current().sealingKid === 'b');

  await writeFile(join(folder, 'torn'), 'not a key');
  await until('the refusal', () => lines.some((line) => line.includes('key ring not usable')));
  assert.deepEqual([...ring.current().keys.keys()], ['a', 'b']);
  for (const key of [a, b]) assert.ok(!lines.join('').includes(key));
});
