import type { Chart } from '#bench/chart/svg-chart.ts';
import { medianInterval } from '#bench/statistics/median-interval.ts';
import type { PeerRound } from './peer-rows.ts';

/** Charts of the CPU time and of the p99, by body, a line for each server and number of connections. */
export const peerCharts = (rounds: readonly PeerRound[]): Chart[] => [
  chartOf(rounds, 'CPU time of the server, ms a request', ({ cpuMs }) => cpuMs),
  chartOf(rounds, 'requests a second', ({ perSecond }) => perSecond),
  chartOf(rounds, 'p99, ms', ({ p99Ms }) => p99Ms),
];

function chartOf(
  rounds: readonly PeerRound[],
  yLabel: string,
  figure: (round: PeerRound) => number | undefined,
): Chart {
  const places = [...new Set(rounds.map(({ body }) => body))];
  const groups = Map.groupBy(rounds, ({ server, connections }) => `${server}, ${connections}`);
  const series = [...groups].map(([name, ofServer]) => ({
    name,
    points: places.flatMap((place, index) => {
      const values = ofServer.filter(({ body }) => body === place).flatMap((round) => figure(round) ?? []);
      if (values.length === 0) return [];
      const [low, high] = [Math.min(...values), Math.max(...values)];
      return [{ x: index + 1, y: medianInterval(values).median, low, high }];
    }),
  }));
  const known = series.filter(({ points }) => points.length > 0);
  return { title: yLabel, xLabel: 'review', yLabel, places: places.map(wrapped), series: known };
}

/** Long names of places would run into each other. */
const wrapped = (name: string): string => name.replace(', every review different', ', all differ');
