import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PageMemory } from './page-memory.ts';

test('copies are as what was copied, whatever happens to that, and short ones share their memory', () => {
  const given = [0, 100, 900, 300, 3_000, 513, 1].map((length, index) =>
    new Uint8Array(length).fill(index + 1),
  );
  const own = new PageMemory(given.length);
  const expected = given.map((bytes) => [...bytes]);
  const copies = given.map((bytes) => own.copy(bytes));
  for (const bytes of given) bytes.fill(0);
  assert.deepEqual(
    copies.map((bytes) => [...bytes]),
    expected,
  );
  assert.equal(copies[1]?.buffer, copies[3]?.buffer);
  for (const copy of copies) assert.ok(copy.buffer.byteLength <= Math.max(1_024, copy.length));
});

test('a record that is read alone takes no more than its bytes', () => {
  assert.equal(new PageMemory(1).copy(new Uint8Array(100)).buffer.byteLength, 100);
});
