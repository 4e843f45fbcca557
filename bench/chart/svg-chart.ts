/** A line of a chart: its points by rising x, each with an interval if it has one. */
export interface ChartSeries {
  name: string;
  points: readonly { x: number; y: number; low?: number; high?: number }[];
}

/** One of the charts of a picture. Both axes are logarithmic: sizes and times that matter span decades. */
export interface Chart {
  title: string;
  xLabel: string;
  yLabel: string;
  /** Names of the places on the x axis, which are then 1, 2, 3 and so on at equal distances. */
  places?: readonly string[];
  series: readonly ChartSeries[];
}

const width = 640;
const height = 380;
const margin = { left: 64, right: 170, top: 36, bottom: 56 };
/** Distinguishable without colour vision (Okabe and Ito). */
const colours = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#e69f00',
  '#56b4e9',
  '#000000',
  '#999999',
  '#f0e442',
];

/** Writes charts one below the other as a picture. */
export function svgOf(charts: readonly Chart[]): string {
  const parts = charts.map(
    (chart, row) => `<g transform="translate(0 ${row * height})">\n${drawChart(chart)}\n</g>`,
  );
  const size = `width="${width}" height="${height * charts.length}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>\n${parts.join('\n')}\n</svg>\n`;
}

/** From values to pixels. */
interface Scales {
  x: (value: number) => number;
  y: (value: number) => number;
}

function drawChart(chart: Chart): string {
  const points = chart.series.flatMap((series) => series.points);
  const [right, bottom] = [width - margin.right, height - margin.bottom];
  const xs = decades(points.map(({ x }) => x));
  const ys = decades(points.flatMap(({ y, low = y, high = y }) => [low, high]));
  const between = ([from, to]: [number, number], value: number): number =>
    (Math.log10(value) - from) / (to - from);
  const count = chart.places?.length ?? 0;
  const scales: Scales = {
    x: (value) =>
      margin.left + (right - margin.left) * (count > 0 ? (value - 0.5) / count : between(xs, value)),
    y: (value) => bottom - (bottom - margin.top) * between(ys, value),
  };
  const xTicks = chart.places?.map((label, index) => ({ at: scales.x(index + 1), label })) ?? [
    ...powers(xs).map((value) => ({ at: scales.x(value), label: tickLabel(value) })),
  ];
  return [
    label(margin.left, 20, chart.title, 'start', 'font-weight="bold"'),
    label((margin.left + right) / 2, height - 10, chart.xLabel),
    label(0, 0, chart.yLabel, 'middle', `transform="translate(16 ${(margin.top + bottom) / 2}) rotate(-90)"`),
    ...powers(ys).flatMap((value) => [
      line(margin.left, scales.y(value), right, scales.y(value)),
      label(margin.left - 6, scales.y(value) + 4, tickLabel(value), 'end'),
    ]),
    ...xTicks.flatMap(({ at, label: text }) => [
      line(at, margin.top, at, bottom),
      label(at, bottom + 18, text),
    ]),
    ...chart.series.flatMap((series, index) => drawSeries(series, index, scales)),
  ].join('\n');
}

function drawSeries({ name, points }: ChartSeries, index: number, { x, y }: Scales): string[] {
  const colour = colours[index % colours.length] ?? 'black';
  const at = points.map((point) => `${round(x(point.x))},${round(y(point.y))}`);
  const key = margin.top + 8 + index * 18;
  const keyX = width - margin.right + 12;
  return [
    `<polyline points="${at.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
    ...points.flatMap((point) => [
      `<circle cx="${round(x(point.x))}" cy="${round(y(point.y))}" r="3" fill="${colour}"/>`,
      ...(point.low === undefined || point.high === undefined
        ? []
        : [line(x(point.x), y(point.low), x(point.x), y(point.high), colour)]),
    ]),
    `<rect x="${keyX}" y="${key - 9}" width="10" height="10" fill="${colour}"/>`,
    label(keyX + 16, key, name, 'start'),
  ];
}

/** The powers of ten, as exponents, between which all positive values lie. */
export function decades(values: readonly number[]): [number, number] {
  const exponents = values.filter((value) => value > 0).map((value) => Math.log10(value));
  if (exponents.length === 0) return [0, 1];
  const from = Math.floor(Math.min(...exponents));
  // The sum is 0 where the ceiling is -0.
  return [from, Math.max(from + 1, 0 + Math.ceil(Math.max(...exponents)))];
}

const powers = ([from, to]: [number, number]): number[] =>
  Array.from({ length: to - from + 1 }, (_, step) => 10 ** (from + step));

const tickLabel = (value: number): string =>
  value >= 1 ? value.toLocaleString('en-US') : `${Number(value.toPrecision(1))}`;
const round = (pixels: number): number => Number(pixels.toFixed(1));

const line = (x1: number, y1: number, x2: number, y2: number, colour = '#ddd'): string =>
  `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${colour}"/>`;

const label = (x: number, y: number, text: string, anchor = 'middle', more = ''): string =>
  `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" ${more}>${escapeXml(text)}</text>`;

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
