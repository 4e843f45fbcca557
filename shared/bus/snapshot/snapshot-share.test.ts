import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createStaging } from '#shared/bus/read/staging.ts';
import type { BusRecord } from '#shared/bus/records/record.ts';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import { aRecord } from '#testkit/nats/a-record.ts';
import { namespaceRules } from '#testkit/nats/namespace-rules.ts';
import { shareSnapshot } from './snapshot-share.ts';

const room = { packedBytes: 20_000, contentBytes: 1_000_000 };

/** Tells whether a gateway takes the records of k8s for a complete set. */
function isComplete(records: readonly BusRecord[]): boolean {
  const staging = createStaging('k8s');
  for (const record of records) staging.stage(record);
  return staging.apply() !== undefined && staging.applied() !== undefined;
}

test('the largest namespaces go, as few as have to, and what is left is a complete set', async () => {
  const rules = namespaceRules({ huge: 100, large: 80, middle: 40, team: 3 });
  const { records, leftOut } = await shareSnapshot(rules, room);
  assert.deepEqual(leftOut, [
    { owner: 'k8s', namespace: 'huge' },
    { owner: 'k8s', namespace: 'large' },
  ]);
  assert.ok(isComplete(records));
  const keys = records.map(({ key }) => key);
  for (const namespace of ['huge', 'large', 'middle', 'team']) {
    const marker = formatKey({ owner: 'k8s', kind: 'namespace', namespace });
    assert.equal(keys.includes(marker), ['middle', 'team'].includes(namespace), namespace);
  }
});

test('a manager that has no room without namespaces goes as a whole, and the others stay', async () => {
  const key = formatKey({ owner: 'aws', kind: 'entry', namespace: undefined, secret: 'x' });
  const large = Array.from({ length: 5 }, (_, index) =>
    aRecord({ key: `${key}${index}`, bytes: randomBytes(8_000) }),
  );
  const rules = namespaceRules({ a: 3 });
  const { records, leftOut } = await shareSnapshot([...large, ...rules], room);
  assert.deepEqual([records, leftOut], [rules, [{ owner: 'aws' }]]);
});

test('rules that have room are left as they are', async () => {
  const rules = namespaceRules({ a: 3, b: 20 });
  assert.deepEqual(await shareSnapshot(rules, room), { records: rules, leftOut: [] });
});
