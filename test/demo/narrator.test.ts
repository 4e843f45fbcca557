import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNarrator, summarizeFailure } from './narrator.ts';

test('a demo that ends outside a step shows the error, one that ends in a step the steps', async () => {
  let told = '';
  const narrator = createNarrator({
    write: (text) => {
      told += text;
    },
    color: false,
  });
  await narrator.step('First', async () => undefined);
  assert.match(
    summarizeFailure(narrator.results(), new Error('no installation')),
    /outside.*no installation/,
  );
  await assert.rejects(narrator.step('Second', () => Promise.reject(new Error('no pod'))));
  assert.match(told, /no pod/);
  const summary = summarizeFailure(narrator.results(), new Error('no pod'));
  assert.match(summary, /ok\s+First.*FAILED\s+Second.*1 step\(s\) failed/s);
});
