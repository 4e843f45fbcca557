import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sample } from './trend.ts';
import { trendRows } from './trend-rows.ts';

const rising = (perSample: number): Sample[] =>
  Array.from({ length: 60 }, (_, index) => ({ atMs: index * 60_000, value: 100 + index * perSample }));

test('what rises without end is a leak, what stays or rises by next to nothing is none', () => {
  const rows = trendRows([
    {
      name: 'gateway-0',
      samples: { 'memory MiB': rising(0.5), handles: rising(0), connections: rising(0.01) },
      look: () => Promise.resolve(),
    },
  ]);
  assert.deepEqual(
    rows.map(({ of, isLeak, perHour }) => [of, isLeak, Math.round(perHour)]),
    [
      ['memory MiB', true, 30],
      ['handles', false, 0],
      ['connections', false, 1],
    ],
  );
});
