import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { aSnapshotSecret } from '#testkit/installation/a-snapshot-secret.ts';
import { checkSnapshot } from './check-snapshot.ts';
import type { InstallationFacts } from './installation-facts.ts';

const nowMs = Date.UTC(2026, 10, 24, 12);
const takenAt = new Date(nowMs - 180_000).toISOString();

function find(snapshot: InstallationFacts['snapshot'], enabled = true) {
  const config = latchkeyConfigSchema.parse({ snapshot: { enabled } });
  return checkSnapshot({ snapshot, found: { config, source: 'file' }, nowMs });
}

test('a snapshot is shown with its time, rules and size', () => {
  const { summary, problems } = find({ value: aSnapshotSecret({ takenAt }) });
  assert.deepEqual([summary, problems], ['of 2026-11-24 11:57Z (3 min ago), rules of k8s 5, 2 KiB', []]);
});

test('one that is gone, was never written or is not what it says is a problem where it is wanted', () => {
  const cases: [InstallationFacts['snapshot'], RegExp][] = [
    [{ value: undefined }, /^there is no Secret latchkey-rules-snapshot-0$/],
    [{ value: { metadata: { name: 'any' } } }, /^Secret .* is empty/],
    [{ value: aSnapshotSecret({ takenAt, annotation: '{' }) }, /does not match its annotation/],
    [{ value: aSnapshotSecret({ takenAt, annotation: '{}' }) }, /does not match its annotation/],
    [{ value: aSnapshotSecret({ takenAt, shard: '' }) }, /does not match its annotation/],
  ];
  for (const [snapshot, pattern] of cases) {
    const { problems } = find(snapshot);
    assert.equal(problems.length, 1);
    assert.match(problems[0]?.message ?? '', pattern);
    assert.deepEqual(find(snapshot, false).problems, []);
  }
});

test('namespaces that do not fit into it are listed with a remediation', () => {
  const { problems } = find({ value: aSnapshotSecret({ takenAt, leftOut: ['k8s of tenant-m'] }) });
  assert.equal(problems.length, 1);
  assert.match(problems[0]?.message ?? '', /do not fit into it: k8s of tenant-m$/);
  assert.match(problems[0]?.advice ?? '', /503 there: lower limits\.namespaceKiB/);
});

test('a manager whose rules nobody confirms is named with their age and what to do', () => {
  const stale = [{ manager: 'k8s', since: new Date(nowMs - 600_000).toISOString() }];
  const [problem, ...others] = find({ value: aSnapshotSecret({ takenAt, stale }) }).problems;
  assert.deepEqual(others, []);
  assert.match(problem?.message ?? '', /^the rules of manager k8s are stale: not confirmed .* for 10 min$/);
  assert.match(problem?.advice ?? '', /check the pods of resolver-k8s/);
});
