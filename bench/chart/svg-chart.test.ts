import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Chart, decades, svgOf } from './svg-chart.ts';

const chart: Chart = {
  title: 'cost <& size>',
  xLabel: 'secrets',
  yLabel: 'us',
  series: [
    { name: 'cold', points: [1, 10, 100].map((x) => ({ x, y: x * 5, low: x * 4, high: x * 6 })) },
    { name: 'remembered', points: [1, 10, 100].map((x) => ({ x, y: x })) },
  ],
};

const pointsOf = (svg: string): string[] =>
  Array.from(svg.matchAll(/<polyline points="([^"]*)"/g), ([, points = '']) => points);

test('an axis spans whole decades, and at least one', () => {
  assert.deepEqual(decades([3, 250]), [0, 3]);
  assert.deepEqual(decades([10]), [1, 2]);
  assert.deepEqual(decades([0.02, 0.5]), [-2, 0]);
});

test('values that no logarithm shows do not stretch an axis', () => {
  assert.deepEqual(decades([0, -1, 5]), [0, 1]);
  assert.deepEqual(decades([]), [0, 1]);
});

test('equal factors are equal distances, upwards and to the right', () => {
  const [cold = ''] = pointsOf(svgOf([chart]));
  const [a, b, c] = cold.split(' ').map((point) => point.split(',').map(Number));
  const step = (from: number[] = [], to: number[] = []) =>
    from.map((value, axis) => Math.round((to[axis] ?? 0) - value));
  assert.deepEqual(step(a, b), step(b, c));
  const [right = 0, up = 0] = step(a, b);
  assert.ok(right > 0 && up < 0);
});

test('every series has a line, a dot for each point and a name, and texts are escaped', () => {
  const svg = svgOf([chart]);
  assert.equal(pointsOf(svg).length, 2);
  assert.equal(svg.match(/<circle/g)?.length, 6);
  assert.match(svg, />remembered</);
  assert.match(svg, />cost &lt;&amp; size&gt;</);
});

test('charts stand one below the other, and named places at equal distances', () => {
  const places = { ...chart, places: ['a', 'b', 'c'], series: [{ name: 's', points: xs(1, 2, 3) }] };
  const svg = svgOf([chart, places]);
  assert.match(svg, /height="760"/);
  const [x1 = 0, x2 = 0, x3 = 0] =
    pointsOf(svg)[2]
      ?.split(' ')
      .map((point) => Number(point.split(',')[0])) ?? [];
  assert.equal(Math.round(x2 - x1), Math.round(x3 - x2));
});

const xs = (...values: number[]) => values.map((x) => ({ x, y: 2 }));
