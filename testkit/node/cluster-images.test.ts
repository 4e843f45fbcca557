import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { natsImageOf } from './cluster-images.ts';

test('the image of nats-server is the one that its manifest names', async () => {
  const manifest = await readFile(join(import.meta.dirname, '../../deploy/nats/nats.yaml'), 'utf8');
  const image = natsImageOf(manifest);
  assert.match(image, /^docker\.io\/library\/nats:/);
  assert.ok(manifest.includes(`image: ${image}\n`));
});

test('a manifest without a pod has no image', () => {
  assert.throws(() => natsImageOf('kind: Service\n---\nkind: ServiceAccount\n'), /has no image/);
});
