import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import type { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { createDesiredSet } from './desired-set.ts';

const keyOf = (secret: string): string =>
  formatKey({ owner: 'vault', kind: 'entry', namespace: undefined, secret });

test('a secret whose name is too long for the bus is left out and told, the others are published', () => {
  const told: LatchkeyError[] = [];
  const set = createDesiredSet('vault', (error) => told.push(error));
  const names = ['short', 'я'.repeat(700), '.'.repeat(1_350), 'a'.repeat(4_200), 'b'.repeat(1_012)];
  for (const name of names) set.put(keyOf(name), { value: { schema: 1 } });
  assert.deepEqual([...set.keys()], [keyOf('short'), keyOf('b'.repeat(1_012))]);
  assert.equal(set.summary().count, 2);
  assert.equal(told.length, 3);
  for (const { code, message } of told) {
    assert.equal(code, 'RECORD_INVALID');
    assert.match(message, /makes a key of \d+ characters, 3400 are possible on the bus$/);
    assert.ok(message.length < 500);
  }
});
