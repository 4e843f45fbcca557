import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RequestTimeouts } from './request-timeouts.ts';

const fallbackMs = 5_000;
const timeouts = new RequestTimeouts();
const of = (timeout: string): number => timeouts.of(`/mutate?timeout=${timeout}`, fallbackMs);

test('a duration of Go is read, whatever its units', () => {
  assert.deepEqual(
    ['5s', '500ms', '1.5s', '.5s', '0m2s', '2000000us'].map(of),
    [5_000, 500, 1_500, 500, 2_000, 2_000],
  );
});

test('a duration is at least 100 ms and at most the 30 s that the API server allows', () => {
  assert.deepEqual(['1ns', '1m30s', '9999h', '30s'].map(of), [100, 30_000, 30_000, 30_000]);
});

test('what is missing, zero, negative or no duration is what the configuration says', () => {
  for (const text of ['', '0s', '-1s', 'NaN', '5', '5x', '5 s', '1s5', 's', '1e3s', 'Infinity']) {
    assert.equal(of(text), fallbackMs, text);
  }
  for (const url of ['/mutate', '/mutate?', '/mutate?timeouts=1s', '', '?']) {
    assert.equal(timeouts.of(url, fallbackMs), fallbackMs, url);
  }
});

test('input 78: a text far longer than a duration is none, and is given up at once', () => {
  for (const text of ['1'.repeat(16_000), `${'1'.repeat(64)}s`, `${'.1'.repeat(8_000)}s`]) {
    assert.equal(of(text), fallbackMs);
  }
});

test('a URL that is asked with again, or one after another, is read like the first time', () => {
  const urls = ['/mutate?timeout=1s', '/mutate', '/mutate', '/mutate?timeout=1s', '/mutate?timeout=2s'];
  assert.deepEqual(
    urls.map((url, index) => timeouts.of(url, index)),
    [1_000, 1, 2, 1_000, 2_000],
  );
});

test('any text gives a number within the bounds', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const timeoutMs = timeouts.of(`/?timeout=${text}`, fallbackMs);
      assert.ok(timeoutMs >= 100 && timeoutMs <= 30_000);
    }),
  );
});
