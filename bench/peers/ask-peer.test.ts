import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patchOf } from './ask-peer.ts';

const review = JSON.stringify({ request: { uid: 'u' } });
const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');
const patch = base64([{ op: 'add', path: '/spec/volumes', value: [] }]);
const answer = (response: object, status = 200) => ({ status, body: JSON.stringify({ response }) });

test('the patch of an answer that admits the review', () => {
  assert.equal(patchOf(answer({ uid: 'u', allowed: true, patch }), review), patch);
});

test('any other answer is told from it', () => {
  const refused = { uid: 'u', allowed: false, status: { message: 'no such secret' } };
  assert.throws(() => patchOf(answer({}, 503), review), /status 503/);
  assert.throws(() => patchOf(answer(refused), review), /no such secret/);
  assert.throws(() => patchOf(answer({ uid: 'v', allowed: true, patch }), review), /another review/);
  assert.throws(() => patchOf(answer({ uid: 'u', allowed: true }), review), /no patch/);
  assert.throws(() => patchOf(answer({ uid: 'u', allowed: true, patch: base64([]) }), review), /no patch/);
});
