import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeStream } from './stream-view.ts';

const seen = { created: '2026-01-01T00:00:00Z', lastRevision: 10, stored: 20, term: 'first' };
const steady = { before: seen, seen, revision: 10, live: 3, stored: 4, acknowledged: true };

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

test('what was only acknowledged is read again when another server answers', () => {
  const elected = { ...steady, seen: { ...seen, term: 'second' } };
  assert.match(judgeStream(elected) ?? '', /another server/);
  assert.equal(judgeStream({ ...elected, acknowledged: false }), undefined);
  assert.equal(judgeStream({ ...elected, before: undefined }), undefined);
});
