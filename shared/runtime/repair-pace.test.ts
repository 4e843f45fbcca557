import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRepairPace } from './repair-pace.ts';

const bounds = { firstMs: 1_000, longestMs: 60_000 };

test('the first repairs are made at once, the more there were the longer the next one waits', () => {
  let nowMs = 0;
  const pace = createRepairPace(bounds, { monotonicMs: () => nowMs });
  const waits: number[] = [];
  for (let repair = 0; repair < 12; repair += 1) {
    waits.push(pace.waitMs('selector'));
    nowMs += waits.at(-1) ?? 0;
    pace.repaired('selector');
  }
  assert.deepEqual(waits.slice(0, 3), [0, 0, 0]);
  assert.ok(
    waits.slice(3).every((wait, index) => wait >= Math.min(30_000, 500 * 2 ** index)),
    `${waits}`,
  );
  assert.ok(waits.every((wait) => wait <= 60_000));
  assert.deepEqual(pace.undone(), [{ what: 'selector', count: 12 }]);
});

test('another wish, another thing and a long quiet begin anew', () => {
  let nowMs = 0;
  const pace = createRepairPace(bounds, { monotonicMs: () => nowMs });
  for (let repair = 0; repair < 5; repair += 1) pace.repaired('bundle', 'one');
  assert.ok(pace.waitMs('bundle', 'one') > 0);
  assert.equal(pace.waitMs('bundle', 'two'), 0);
  assert.equal(pace.waitMs('selector'), 0);
  nowMs = 121_000;
  assert.equal(pace.waitMs('bundle', 'one'), 0);
  assert.deepEqual(pace.undone(), []);
  assert.equal(pace.repaired('bundle', 'one'), 1);
});

test('what has been quiet for long is forgotten, however many things were repaired', () => {
  let [nowMs, readings] = [0, 0];
  const monotonicMs = (): number => {
    readings += 1;
    return nowMs;
  };
  const pace = createRepairPace(bounds, { monotonicMs });
  for (let thing = 0; thing < 10_000; thing += 1) {
    pace.repaired(`${thing}`);
    pace.repaired(`${thing}`);
  }
  nowMs = 60_000;
  pace.repaired('0');
  nowMs = 121_000;
  pace.repaired('new');
  readings = 0;
  assert.deepEqual(pace.undone(), [{ what: '0', count: 3 }]);
  assert.ok(readings <= 2, `${readings} readings of the clock`);
});
