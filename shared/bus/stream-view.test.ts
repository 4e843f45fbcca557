import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeStream } from './stream-view.ts';

const seen = { created: '2026-01-01T00:00:00Z', lastRevision: 10 };
const steady = { before: seen, seen, position: 10, live: 3, stored: 4 };

test('a stream that only grew needs no second reading', () => {
  assert.equal(judgeStream(steady), undefined);
  assert.equal(judgeStream({ ...steady, seen: { ...seen, lastRevision: 99 }, stored: 50 }), undefined);
});

test('expired tombstones are no loss', () => {
  assert.equal(judgeStream({ ...steady, stored: 3 }), undefined);
});

test('recreation, a step back and a purge each mean reading everything again', () => {
  assert.match(judgeStream({ ...steady, seen: { ...seen, created: 'later' } }) ?? '', /recreated/);
  assert.match(judgeStream({ ...steady, seen: { ...seen, lastRevision: 9 } }) ?? '', /back/);
  assert.match(judgeStream({ ...steady, stored: 2 }) ?? '', /purged/);
});
