import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { parseAnswer, readAnswer, readForSdk } from './read-answer.ts';

const canary = 'hvs.CANARY';
const title = 'Vault answered 200 for secret/metadata/';

async function* bodyOf(...chunks: string[]): AsyncIterable<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

test('no word of an answer that is no JSON stands in the error, only its length and kind', async () => {
  for (const body of [canary, `<html>${canary}</html>`, `{"token":"${canary}`, `{"a":${canary}}`]) {
    const answer = { title, contentType: 'text/html', body: bodyOf(body) };
    await assert.rejects(readForSdk(answer, 1_000), (error) => {
      assert.ok(error instanceof LatchkeyError);
      assert.equal(error.message, `${title} with ${body.length} bytes of text/html, and that is no JSON`);
      assert.equal(error.cause, undefined);
      return true;
    });
  }
});

test('an answer is read to its bound and no further', async () => {
  let read = 0;
  async function* endless(): AsyncIterable<Uint8Array> {
    for (;;) {
      read += 1;
      yield Buffer.alloc(1_000);
    }
  }
  const answer = { title, contentType: undefined, body: endless() };
  await assert.rejects(readAnswer(answer, 10_000), {
    code: 'SET_TOO_LARGE',
    message: /more than 10000 bytes/,
  });
  assert.equal(read, 11);
  const whole = await readAnswer({ title, contentType: null, body: bodyOf('{"a"', ':1}') }, 7);
  assert.deepEqual(parseAnswer(whole), { a: 1 });
});

test('an SDK gets an empty answer as it is', async () => {
  assert.equal((await readForSdk({ title, contentType: null, body: null }, 10)).length, 0);
});
