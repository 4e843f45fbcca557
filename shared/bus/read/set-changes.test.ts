import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mostItemsOfEntry } from '#shared/contracts/rules/rule-entry.ts';
import { aRecord } from '#testkit/nats/a-record.ts';
import { createSetChanges, isReadable } from './set-changes.ts';

test('a body is parsed when it is its turn, anew each time, and kept by nobody', () => {
  const record = aRecord({ key: 'k8s.entry.ns.db', body: { schema: 1, items: { 'db/a': {} } } });
  const changes = createSetChanges([
    [record.key, record],
    ['k8s.entry.ns.gone', undefined],
  ]);
  assert.equal(changes.length, 2);
  const [first, second] = [[...changes], [...changes]];
  assert.deepEqual(
    first.map(({ value }) => value),
    [{ schema: 1, items: { 'db/a': {} } }, undefined],
  );
  assert.deepEqual(first, second);
  assert.notEqual(first[0]?.value, second[0]?.value);
});

test('reading the first change of many parses no other', () => {
  const record = aRecord({ key: 'k8s.entry.ns.db' });
  const unread = {
    ...record,
    get bytes(): Uint8Array {
      throw new Error('this one is not asked for');
    },
  };
  const changes = createSetChanges([
    [record.key, record],
    [record.key, unread],
  ]);
  const [first] = changes;
  assert.deepEqual(first?.value, { schema: 1 });
});

test('input 73: a record of more items than a rule has is refused before it is parsed', () => {
  const body = (items: number) => {
    const names = Array.from({ length: items }, (_, index) => [`k${index}`, { a: 'b' }]);
    return Buffer.from(JSON.stringify({ schema: 1, items: Object.fromEntries(names) }));
  };
  assert.equal(isReadable(body(mostItemsOfEntry)), true);
  assert.equal(isReadable(body(mostItemsOfEntry + 1)), false);
});
