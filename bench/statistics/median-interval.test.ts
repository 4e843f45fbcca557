import assert from 'node:assert/strict';
import { test } from 'node:test';
import { medianInterval } from './median-interval.ts';

test('the median is the middle value, or halfway between the two middle ones', () => {
  assert.equal(medianInterval([3, 1, 2]).median, 2);
  assert.equal(medianInterval([4, 1, 2, 3]).median, 2.5);
});

test('a few values give an interval of all of them', () => {
  assert.deepEqual(medianInterval([5, 1, 3]), { median: 3, low: 1, high: 5 });
});

test('many values give an interval around the median that an outlier does not move', () => {
  const values = Array.from({ length: 100 }, (_, index) => index);
  const { low, median, high } = medianInterval(values);
  assert.deepEqual([low, median, high], [40, 49.5, 60]);
  assert.deepEqual(medianInterval([...values.slice(0, -1), 1e9]), { low, median, high });
});

test('nothing measured gives no number', () => {
  assert.deepEqual(medianInterval([]), { median: Number.NaN, low: Number.NaN, high: Number.NaN });
});
