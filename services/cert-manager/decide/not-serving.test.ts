import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notServing } from './not-serving.ts';

const endpoint = { name: 'a', ready: true, leaf: 'new', fresh: true };
const waitsFor = (...changed: Partial<typeof endpoint>[]): string[] =>
  notServing({ endpoints: changed.map((change) => ({ ...endpoint, ...change })) }, 'new');

// No schedule of the model needs the last two: mounts and waits alone cover them there. A pod whose kubelet falls back
// to an older Secret, or that is not ready before it has reported anything, would pass without them.
test('a leaf is served when every endpoint has lately reported it, and one is ready', () => {
  assert.deepEqual(waitsFor({}), []);
  assert.deepEqual(waitsFor({}, { name: 'b', leaf: 'old' }), ['b']);
  assert.deepEqual(waitsFor({}, { name: 'b', leaf: 'old', ready: false }), ['b']);
  assert.deepEqual(waitsFor({}, { name: 'b', fresh: false }), ['b']);
  assert.deepEqual(waitsFor({ ready: false }), ['no endpoint of the Service is ready']);
});
