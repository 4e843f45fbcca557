import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultConfig } from '#testkit/installation/default-config.ts';
import { aRecord } from '#testkit/nats/a-record.ts';
import { costOf, itemCostBytes } from './cost.ts';
import { HeldRecord } from './held-record.ts';
import { MirroredRecords } from './mirrored-records.ts';

test('an older state of a record does not replace a later one', () => {
  const known = new MirroredRecords(false);
  const later = aRecord({ key: 'k8s.entry.ns.db', revision: 5, body: 'later' });
  known.take(later);
  known.take(aRecord({ key: 'k8s.entry.ns.db', revision: 4, body: 'older and longer' }));
  assert.deepEqual(
    Array.from(known.byKey.values(), (record) => ({ ...record })),
    [later],
  );
  assert.equal(known.costBytes, costOf(later));
});

test('what is known costs the same, whichever way it came', () => {
  const [db, grown, app] = [
    aRecord({ key: 'k8s.entry.ns.db', revision: 1 }),
    aRecord({ key: 'k8s.entry.ns.db', revision: 2, body: { schema: 1, more: 'bytes' } }),
    aRecord({ key: 'k8s.entry.ns.app', revision: 3 }),
  ].map(HeldRecord.of) as [HeldRecord, HeldRecord, HeldRecord];
  const [followed, readAnew] = [new MirroredRecords(false), new MirroredRecords(false)];
  followed.take(db);
  const expected = followed.costWith([grown, app]);
  for (const record of [grown, app]) followed.take(record);
  readAnew.take(aRecord({ key: 'k8s.entry.ns.gone', revision: 9 }));
  readAnew.replaceAll({
    records: new Map([grown, app].map((record) => [record.key, record])),
    tombstones: new Set(),
    costBytes: costOf(grown) + costOf(app),
  });
  assert.equal(followed.costBytes, expected);
  assert.equal(readAnew.costBytes, expected);
  assert.deepEqual([...readAnew.byKey.keys()], [grown.key, app.key]);
});

test("one's own record is no news when it comes back, and a tombstone is not live", () => {
  const known = new MirroredRecords(true);
  const [noted, gone] = [
    aRecord({ key: 'k8s.recipe', revision: 7 }),
    aRecord({ key: 'k8s.entry.ns.db', revision: 8, deleted: true }),
  ].map(HeldRecord.of) as [HeldRecord, HeldRecord];
  known.take(noted);
  assert.deepEqual(known.newsAmong([noted, gone]), [gone]);
  known.take(gone);
  assert.equal(known.live(), 1);
  assert.ok(known.byKey.has(gone.key));
});

test('a reader keeps nothing of a record that is gone, and is charged nothing for it', () => {
  const known = new MirroredRecords(false);
  known.take(aRecord({ key: 'k8s.entry.ns.db', revision: 1 }));
  const gone = HeldRecord.of(aRecord({ key: 'k8s.entry.ns.db', revision: 2, deleted: true }));
  assert.equal(known.costWith([gone]), 0);
  known.take(gone);
  assert.deepEqual([known.byKey.size, known.costBytes], [0, 0]);
});

test('an item of a rule is charged beyond its text, the objects around the items are not', () => {
  const ruleOf = (items: Readonly<Record<string, object>>) =>
    aRecord({ key: 'k8s.entry.ns.db', body: { schema: 1, items } });
  const costBeyondText = (record: ReturnType<typeof ruleOf>) => costOf(record) - record.bytes.length;
  const items = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`db/${index}`, {}]));
  assert.equal(costBeyondText(ruleOf(items)) - costBeyondText(ruleOf({})), 1_000 * itemCostBytes);
  assert.equal(costBeyondText(ruleOf({})), costBeyondText(aRecord({ key: 'k8s.entry.ns.db', body: 1 })));
});

test('a set of the shortest names has no more than 1.6 million items at the default limit', () => {
  const items = Object.fromEntries(
    Array.from({ length: 1_000 }, (_, index) => [`a/${index.toString(36)}`, {}]),
  );
  const record = aRecord({ key: 'k8s.entry.n.a', body: { schema: 1, items } });
  const mostItems = (defaultConfig.limits.managerMiB * 1_024 * 1_024 * 1_000) / costOf(record);
  assert.ok(mostItems < 1_600_000, `${mostItems} items`);
});
