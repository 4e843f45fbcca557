import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultConfig } from '#testkit/installation/default-config.ts';

const folder = join(import.meta.dirname, '../../deploy/nats');
const numberIn = async (file: string, pattern: RegExp): Promise<number> =>
  Number(pattern.exec(await readFile(join(folder, file), 'utf8'))?.[1]);

test('both buckets, and two more of an upgrade, fit what NATS may store, and that leaves a quarter of its volume', async () => {
  const storeMib = await numberIn('nats.conf', /^ *max_file_store: (\d+)MB$/m);
  const volumeMib = 1_024 * (await numberIn('nats.yaml', /storage: (\d+)Gi/));
  assert.ok(4 * defaultConfig.bus.bucketMiB <= storeMib);
  assert.ok(storeMib <= 0.75 * volumeMib);
});
