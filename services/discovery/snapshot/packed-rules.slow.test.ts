import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { pino } from 'pino';
import { createStaging } from '#shared/bus/read/staging.ts';
import { readSnapshot } from '#shared/bus/snapshot/snapshot-format.ts';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import { snapshotShardName } from '#shared/contracts/kubernetes/rules-snapshot.ts';
import { createRuleIndex } from '#shared/core/rules/index/rule-index.ts';
import { aRecord } from '#testkit/nats/a-record.ts';
import { namespaceRules } from '#testkit/nats/namespace-rules.ts';
import { createPackedRules } from './packed-rules.ts';

const takenAt = '2026-01-01T00:00:00.000Z';
const owner = 'k8s';

/** What a gateway that starts from the shards knows. */
async function startedFrom(shards: readonly Uint8Array[] = []) {
  const files = new Map(shards.map((shard, index) => [snapshotShardName(index), shard]));
  const snapshot = await readSnapshot(files, Number.POSITIVE_INFINITY);
  assert.ok('records' in snapshot);
  const staging = createStaging(owner);
  for (const record of snapshot.records) assert.equal(staging.stage(record), 'staged');
  const index = createRuleIndex();
  const step = staging.apply();
  assert.deepEqual(index.apply(owner, step?.set.changes ?? []), []);
  return { index, isComplete: staging.applied() !== undefined };
}

async function aKeeper() {
  const logged: string[] = [];
  const log = pino({ base: null }, { write: (line) => logged.push(line) });
  return { packed: await createPackedRules(undefined, log), logged };
}

test('namespaces with very large Secrets are left out, named once, and everybody else is in the snapshot', async () => {
  const { packed, logged } = await aKeeper();
  const huge = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`huge-${index}`, 2_300]));
  const rules = namespaceRules({ ...huge, team: 20, other: 100 });
  assert.equal(await packed.pack(rules, takenAt), true);
  assert.equal(await packed.pack(rules, takenAt), false);
  const { index, isComplete } = await startedFrom(packed.snapshot()?.shards);
  assert.equal(isComplete, true);
  for (const namespace of ['team', 'other']) {
    assert.notEqual(index.item(owner, namespace, 's/known'), undefined, namespace);
  }
  const missing = packed.leftOut().map(({ namespace = '' }) => namespace);
  assert.ok(missing.length > 0 && missing.length < 9 && missing.every((name) => name.startsWith('huge-')));
  // Unknown, and so 503; never empty.
  for (const namespace of missing) assert.equal(index.knowsNamespace(owner, namespace), false);
  assert.equal(packed.snapshot()?.summary.leftOut?.count, missing.length);
  assert.equal(logged.filter((line) => line.includes('SNAPSHOT_TOO_LARGE')).length, 1);

  await packed.pack(namespaceRules({ ...huge, team: 20, other: 100, late: 3 }), takenAt);
  const later = await startedFrom(packed.snapshot()?.shards);
  assert.notEqual(later.index.item(owner, 'late', 's/known'), undefined);
  await packed.pack(namespaceRules({ team: 20 }), takenAt);
  assert.deepEqual([packed.leftOut(), packed.snapshot()?.summary.leftOut], [[], undefined]);
  assert.match(logged.at(-1) ?? '', /holds all rules again/);
});

test('a manager that is too large without namespaces goes as a whole, and the others stay', async () => {
  const { packed } = await aKeeper();
  const key = formatKey({ owner: 'aws', kind: 'entry', namespace: undefined, secret: 'x' });
  const large = Array.from({ length: 5 }, (_, index) =>
    aRecord({ key: `${key}${index}`, bytes: randomBytes(800_000) }),
  );
  assert.equal(await packed.pack([...large, ...namespaceRules({ a: 3 })], takenAt), true);
  assert.deepEqual(packed.leftOut(), [{ owner: 'aws' }]);
  assert.equal((await startedFrom(packed.snapshot()?.shards)).isComplete, true);
});
