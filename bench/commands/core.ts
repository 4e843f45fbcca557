import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runBenchCommand } from '#bench/bench-command.ts';
import { type Chart, svgOf } from '#bench/chart/svg-chart.ts';
import { allocatedBytes, alternatedChunks, type ChunkCost } from '#bench/core/alternated-chunks.ts';
import { baseline, decisionParts } from '#bench/core/decision-parts.ts';
import { generatedReview, groupOf, type PodReview, secretKey } from '#bench/core/generated-review.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import type { Rules } from '#shared/core/admission/admit.ts';
import { createOfflineRules, inventorySchema } from '#shared/managers/chain/offline-rules.ts';

/** A review to decide, and the rules by which; `size` is its place on the x axis of its chart. */
interface Case {
  sweep: string;
  size: number;
  name: string;
  body: Buffer;
  rules: () => Rules;
}

interface Measured {
  sweep: string;
  size: number;
  name: string;
  bytes: number;
  parts: Record<string, ChunkCost>;
  allocated: { parse: number; cold: number; remembered: number };
}

const golden = join(import.meta.dirname, '../../test/golden');
const recorded = ['review.json', 'review-12k.json', 'review-50.json'];
const sweeps = {
  secrets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
  containers: [1, 3, 10, 30, 100],
  'inventory entries': [1, 10, 100, 1_000, 10_000, 100_000],
};

const openRules = createOfflineRules(
  latchkeyConfigSchema.parse({ chain: ['k8s'], k8s: { inventory: 'open' } }),
);
const closedRules = createOfflineRules(latchkeyConfigSchema.parse({ chain: ['k8s'] }));
const bytesOf = (review: PodReview): Buffer => Buffer.from(JSON.stringify(review));

/** Rules of one namespace with so many Secrets, the first two asked for. */
function inventoryRules(entries: number, namespace: string): Rules {
  const secrets = Array.from({ length: Math.max(2, entries) }, (_, index) => [groupOf(index), [secretKey]]);
  return closedRules(inventorySchema.parse({ k8s: { [namespace]: Object.fromEntries(secrets) } }), namespace);
}

async function casesOf(): Promise<Case[]> {
  const bodies = await Promise.all(recorded.map((name) => readFile(join(golden, name))));
  const base: PodReview = JSON.parse(bodies[0]?.toString('utf8') ?? '');
  const { namespace } = base.request;
  const open = () => openRules(inventorySchema.parse({}), namespace);
  const pair = bytesOf(generatedReview(base, { secrets: 2 }));
  const one = (sweep: string, size: number, body: Buffer, rules = open): Case => ({
    ...{ sweep, size, name: `${size} ${sweep}`, body, rules },
  });
  return [
    ...bodies.map((body, index) => ({ ...one('recorded', index + 1, body), name: recorded[index] ?? '' })),
    ...sweeps.secrets.map((secrets) => one('secrets', secrets, bytesOf(generatedReview(base, { secrets })))),
    ...sweeps.containers.map((containers) =>
      one('containers', containers, bytesOf(generatedReview(base, { secrets: 2, containers }))),
    ),
    ...sweeps['inventory entries'].map((entries) =>
      one('inventory entries', entries, pair, () => inventoryRules(entries, namespace)),
    ),
  ];
}

function measure({ body, rules, ...about }: Case, chunks: number, chunkMs: number): Measured {
  const functions = decisionParts(body, rules());
  const bytesBy = (name: string): number => Math.round(allocatedBytes(functions[name] ?? (() => undefined)));
  const parts = alternatedChunks(functions, { baseline, chunks, chunkMs });
  const allocated = {
    parse: bytesBy(baseline),
    cold: bytesBy('all, cold'),
    remembered: bytesBy('all, remembered'),
  };
  return { ...about, bytes: body.length, parts, allocated };
}

const short = (value: number): number => Number(value.toPrecision(3));
const ratioText = ({ ratio: { median, low, high }, bestRatio }: ChunkCost): string =>
  `${short(median)} [${short(low)}-${short(high)}], best ${short(bestRatio)}`;

const rowOf = ({ name, bytes, parts }: Measured) => ({
  review: name,
  bytes,
  ...Object.fromEntries(
    Object.entries(parts).map(([part, { cpuUs }]) => [`${part} us`, short(cpuUs.median)]),
  ),
});

const ratioRowOf = ({ name, parts, allocated }: Measured) => ({
  review: name,
  ...Object.fromEntries(
    Object.entries(parts)
      .filter(([part]) => part.startsWith('all'))
      .map(([part, cost]) => [part, ratioText(cost)]),
  ),
  'KiB, parse': Math.round(allocated.parse / 1_024),
  'KiB, cold': Math.round(allocated.cold / 1_024),
  'KiB, remembered': Math.round(allocated.remembered / 1_024),
});

/** One chart for each sweep: the CPU time of every part by the size. */
const chartsOf = (measured: readonly Measured[]): Chart[] =>
  Object.keys(sweeps).map((sweep) => {
    const ofSweep = measured.filter((each) => each.sweep === sweep);
    const names = Object.keys(ofSweep[0]?.parts ?? {});
    const pointsOf = (part: string) =>
      ofSweep.flatMap(({ size, parts: { [part]: cost } }) =>
        cost ? [{ x: size, y: cost.cpuUs.median, low: cost.cpuUs.low, high: cost.cpuUs.high }] : [],
      );
    return {
      title: `One decision by ${sweep}`,
      xLabel: sweep,
      yLabel: 'CPU time, us',
      series: names.map((name) => ({ name, points: pointsOf(name) })),
    };
  });

await runBenchCommand({
  name: 'bench:core',
  what: `CPU time of one decision in this process, by parts, beside JSON.parse of the same review: decode (bytes to a review, its limits
checked), read pod (envelope, pod, annotations), plan cold (secrets looked up and joined) or remembered, patch, answer, and all
in one from the body's bytes to the answer's text. Recorded reviews, and generated ones by number of secrets, of containers, and of
Secrets known in the namespace. The functions run in turn in chunks; a ratio is that of chunks side by side, as median with
an interval of 95 %, and that of the cheapest chunks. The CPU time includes garbage collection on other threads.
A figure, no target.`,
  options: {
    chunks: { default: 25, what: 'chunks of each function' },
    'chunk-ms': { default: 5, what: 'length of a chunk' },
  },
  texts: { svg: 'file to write a chart of each sweep to' },
  run: async ({ chunks, 'chunk-ms': chunkMs }, _flags, say, { svg }) => {
    const measured: Measured[] = [];
    const cases = await casesOf();
    // The first reviews would pay for the compilation of what all use.
    for (const each of cases.slice(0, recorded.length)) measure(each, chunks, chunkMs);
    for (const each of cases) {
      const one = measure(each, chunks, chunkMs);
      measured.push(one);
      const { 'all, cold': cold, 'all, remembered': remembered } = one.parts;
      if (cold && remembered)
        say(`${one.name}: cold ${ratioText(cold)}; remembered ${ratioText(remembered)}`);
    }
    if (svg !== undefined) await writeFile(svg, svgOf(chartsOf(measured)));
    const ofRecorded = measured.filter(({ sweep }) => sweep === 'recorded');
    const figures = Object.fromEntries(
      ofRecorded.flatMap(({ name, parts }) =>
        Object.entries(parts)
          .filter(([part]) => part.startsWith('all'))
          .map(([part, cost]) => [`${name}, ${part} / ${baseline}`, short(cost.ratio.median)]),
      ),
    );
    const tables = { 'CPU time': measured.map(rowOf), 'to JSON.parse': measured.map(ratioRowOf) };
    return { figures, tables, missed: [] };
  },
});
