import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from './clock.ts';

const root = join(import.meta.dirname, '../..');

test('the wall clock is asked for certificates, and for what another process reads: intervals and ages would jump with it', async () => {
  const asking: string[] = [];
  for await (const file of glob('{shared,services}/**/*.ts', { cwd: root })) {
    if (file.endsWith('.test.ts') || file === 'shared/runtime/clock.ts') continue;
    if (/clock\.now\(|Date\.now\(/.test(await readFile(join(root, file), 'utf8'))) asking.push(file);
  }
  assert.deepEqual(asking.sort(), [
    'services/cert-manager/provided-source.ts',
    'services/cert-manager/self-signed-source.ts',
    // When the snapshot of the rules was taken, for gateways that start later, and there its age.
    'services/discovery/snapshot/snapshot-keeper.ts',
    // Since when a manager is silent, for `latchkey status`.
    'services/discovery/snapshot/stale-managers.ts',
    'services/gateway/rules/follow-cold-start.ts',
    'services/gateway/tls/follow-serving-certificate.ts',
    // The age of that snapshot in a worker, which is told when it was taken.
    'services/gateway/worker/worker.ts',
    // The times in a Lease, which are for people: candidates go by their own monotonic clock.
    'shared/kubernetes/election/leader-election.ts',
  ]);
});

test('monotonic time does not go back', () => {
  const before = systemClock.monotonicMs();
  assert.ok(systemClock.monotonicMs() >= before);
});
