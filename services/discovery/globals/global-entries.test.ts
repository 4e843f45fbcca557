import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planGlobalEntries } from './global-entries.ts';

const version = '1';
const copy = { secretName: 'latchkey-global-0', secretKey: 'env.A' };

test('a global secret with a copy has an entry, one without has none', () => {
  const globals = ['env:A', 'env:TOO_LARGE'].map((name) => ({ name, version }));
  assert.deepEqual(planGlobalEntries([], globals, new Map([['env:A', copy]])), [
    { name: 'env:A', entry: { schema: 1, source: 'global', secret: 'env:A', keys: [], version, copy } },
  ]);
});

test('the entry of a global secret that is gone, or that no Secret can hold any more, is removed', () => {
  const [gone, grown] = ['env:GONE', 'env:GROWN'].map((name) => ({ name, version }));
  assert.ok(gone && grown);
  assert.deepEqual(planGlobalEntries([gone, grown], [grown], new Map()), [
    { name: 'env:GONE', entry: undefined },
    { name: 'env:GROWN', entry: undefined },
  ]);
});
