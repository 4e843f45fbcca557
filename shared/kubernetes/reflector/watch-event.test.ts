import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseWatchEvent } from './watch-event.ts';

const object = { metadata: { name: 'a', namespace: 'n', resourceVersion: '7' } };

test('ADDED and MODIFIED set, DELETED deletes', () => {
  const set = { type: 'set', object, resourceVersion: '7' };
  assert.deepEqual(parseWatchEvent(JSON.stringify({ type: 'ADDED', object })), set);
  assert.deepEqual(parseWatchEvent(JSON.stringify({ type: 'MODIFIED', object })), set);
  assert.deepEqual(parseWatchEvent(JSON.stringify({ type: 'DELETED', object })), { ...set, type: 'delete' });
});

test('a bookmark moves the position only', () => {
  const line = JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } });
  assert.deepEqual(parseWatchEvent(line), { type: 'bookmark', resourceVersion: '9' });
});

test('the bookmark that ends a list says so, and no other does', () => {
  const bookmark = (annotations: unknown) =>
    parseWatchEvent(
      JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '9', annotations } } }),
    );
  const plain = { type: 'bookmark', resourceVersion: '9' };
  assert.deepEqual(bookmark({ 'k8s.io/initial-events-end': 'true' }), { ...plain, endsList: true });
  for (const other of [{ 'k8s.io/initial-events-end': 'false' }, {}, null]) {
    assert.deepEqual(bookmark(other), plain);
  }
});

test('whatever cannot be trusted asks for a new list and quotes nothing', () => {
  const lines = [
    '{"type":"ADDED","object":{"data":{"password":"aHVudGVyMg=="',
    'null',
    JSON.stringify({ type: 'ADDED', object: null }),
    JSON.stringify({ type: 'ADDED', object: { metadata: { name: 'a' } } }),
    JSON.stringify({ type: 'ADDED', object: { metadata: { resourceVersion: '1' } } }),
    JSON.stringify({ type: 'CHANGED', object }),
    JSON.stringify({ type: 'ERROR', object: { code: 410 } }),
    JSON.stringify({ type: 'ERROR' }),
  ];
  for (const line of lines) {
    const event = parseWatchEvent(line);
    assert.equal(event.type, 'expired', line);
    assert.doesNotMatch(JSON.stringify(event), /aHVudGVyMg/);
  }
});
