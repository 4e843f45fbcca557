import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shareRecent } from './share-recent.ts';

test('callers of one moment share a result, and later ones until it is old', async () => {
  let nowMs = 0;
  let made = 0;
  const ask = shareRecent(async () => ++made, 1_000, { monotonicMs: () => nowMs });
  assert.deepEqual(await Promise.all([ask(), ask(), ask()]), [1, 1, 1]);
  nowMs = 999;
  assert.equal(await ask(), 1);
  nowMs = 1_000;
  assert.deepEqual(await Promise.all([ask(), ask()]), [2, 2]);
});

test('a making that takes long is waited for, and a failed one is tried again', async () => {
  let nowMs = 0;
  const pending: PromiseWithResolvers<string>[] = [];
  const make = (): Promise<string> => {
    const next = Promise.withResolvers<string>();
    pending.push(next);
    return next.promise;
  };
  const ask = shareRecent(make, 1_000, { monotonicMs: () => nowMs });
  const first = ask();
  nowMs = 60_000;
  const second = ask();
  assert.equal(pending.length, 1);
  pending[0]?.reject(new Error('no'));
  await assert.rejects(first);
  await assert.rejects(second);
  const third = ask();
  pending[1]?.resolve('yes');
  assert.equal(await third, 'yes');
});
