import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '#testkit/properties/random.ts';
import { type Sample, trendOf } from './trend.ts';

const everyMs = 5_000;
const hourMs = 3_600_000;

/** Half an hour of a value that is collected every 50 s, with a growth of `perHour` and a warm-up of two minutes. */
function samplesOf(perHour: number, seed: number): Sample[] {
  const random = createRandom(seed);
  return Array.from({ length: 360 }, (_, index) => {
    const atMs = index * everyMs;
    const warmUp = -40 * Math.exp(-atMs / 120_000);
    const sawtooth = (index % 10) * 3;
    return { atMs, value: 150 + warmUp + sawtooth + random.next() * 4 + (perHour * atMs) / hourMs };
  });
}

test('a value that goes up and down and stays where it is has no trend', () => {
  const seen = Array.from({ length: 200 }, (_, seed) => trendOf(samplesOf(0, seed)));
  // One in a hundred is outside of 99 %, half of them above.
  assert.ok(seen.filter(({ low }) => low > 0).length <= 4);
  for (const { level } of seen) assert.ok(level > 145 && level < 155, `${level}`);
});

test('a leak that is smaller than what a collection frees is found', () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const { perHour, low, high, rise } = trendOf(samplesOf(24, seed));
    assert.ok(low > 0 && high > low && perHour > 12 && perHour < 36, `${low} ${high}`);
    assert.ok(Math.abs(rise - perHour / 3) < 0.01 * perHour);
  }
});

test('a value that falls has a trend, which is no rise', () => {
  const { high, rise } = trendOf(samplesOf(-12, 1));
  assert.ok(high < 0 && rise < 0);
});

test('the same value again and again is a trend of exactly nothing', () => {
  const samples = Array.from({ length: 60 }, (_, index) => ({ atMs: index * everyMs, value: 7 }));
  assert.deepEqual(trendOf(samples), { perHour: 0, low: 0, high: 0, rise: 0, level: 7 });
});

test('too few samples are an error', () => {
  assert.throws(() => trendOf(samplesOf(0, 1).slice(0, 8)), /too few samples/);
  assert.throws(() => trendOf([]), /too few samples/);
});
