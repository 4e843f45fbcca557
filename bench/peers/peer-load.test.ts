import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, wrongOf } from './peer-load.ts';

const clean = { seconds: 1, answered: 10, shed: 1, refused: 0, unpatched: 0, broken: 0, firstFail: '' };
const times = { p50Ms: 1, p99Ms: 2, cpuSeconds: 0.1 };

test('the address of a webhook has the port of https when it names none', () => {
  assert.equal(addressOf('https://webhook.example/mutate'), 'webhook.example:443');
  assert.equal(addressOf('https://127.0.0.1:9443/mutate?timeout=5s'), '127.0.0.1:9443');
});

test('answers that are all patched have nothing wrong, and a request that is put off is no wrong answer', () => {
  assert.deepEqual(wrongOf({ ...clean, ...times }), []);
});

test('every kind of wrong answer is told', () => {
  const wrong = { answered: 0, refused: 1, unpatched: 2, broken: 3, firstFail: 'EOF' };
  assert.deepEqual(wrongOf({ ...clean, ...times, ...wrong }), [
    'nothing was answered',
    '1 answers had another status than 200',
    '2 answers had no patch',
    '3 connections broke: EOF',
  ]);
});
