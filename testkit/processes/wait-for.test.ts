import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from './wait-for.ts';

test('what the condition gives at last is returned', async () => {
  let calls = 0;
  const value = await waitFor(() => (++calls === 3 ? 'third' : undefined), {
    timeoutMs: 5_000,
    what: 'a call',
  });
  assert.equal(value, 'third');
});

test('the error says what was awaited and the last state', async () => {
  const never = waitFor(() => Promise.reject(new Error('still 2 of 3')), {
    timeoutMs: 1,
    what: 'three gateways',
  });
  await assert.rejects(never, /waited 1 ms for three gateways; last state: still 2 of 3/);
});
