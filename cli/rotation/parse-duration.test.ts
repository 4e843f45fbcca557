import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../command.ts';
import { parseDuration } from './parse-duration.ts';

test('a duration has one unit', () => {
  assert.deepEqual(['90s', '30m', '2h', '1d'].map(parseDuration), [90_000, 1_800_000, 7_200_000, 86_400_000]);
  for (const text of ['', '5', '0s', '1h30m', '-1m', '1w', '1.5h']) {
    assert.throws(() => parseDuration(text), UsageError, text);
  }
});
