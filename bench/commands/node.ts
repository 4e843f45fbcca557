import { runBenchCommand } from '#bench/bench-command.ts';
import { allowCaRotation, disturbances, loseSecondNode } from '#testkit/node/disturbances.ts';
import { startLatchkeyNode } from '#testkit/node/latchkey-node.ts';
import { prepareNodeLoad, withoutBus } from '#testkit/node/node-load.ts';
import { type LoadResult, underLoad } from '#testkit/node/under-load.ts';
import { createProgress } from '#tools/progress.ts';

/** For so long an API server may still call a gateway that was lost with its node. */
const noticeMs = 10_000;
/** More than a minute of requests: until the node is NotReady and later. */
const answersAfterLoss = 3_000;
const shownFailures = 5;

const rowOf = (
  what: string,
  { admissions, failures, longestRefusalMs, p99Ms, maxMs, tookMs }: LoadResult,
) => ({
  what,
  admissions,
  refused: failures.length,
  'longest refusal, ms': longestRefusalMs,
  'p99, ms': p99Ms,
  'max, ms': maxMs,
  'took, s': Math.round(tookMs / 1_000),
});

await runBenchCommand({
  name: 'bench:node',
  what: `Two real nodes with the image and the manifests as they are deployed. While pods are created through the API server
without a break, everything that a cluster does to an installation is done to it, and in the end a node is lost. No
admission may be refused, and after the loss of a node none that begins more than ${noticeMs / 1_000} s later.`,
  options: { rounds: { default: 1, what: 'clusters, one after the other' } },
  run: async ({ rounds }, _flags, say) => {
    const rows: ReturnType<typeof rowOf>[] = [];
    const missed: string[] = [];
    const note = (what: string, result: LoadResult, allowedUntilMs: number): void => {
      rows.push(rowOf(what, result));
      const late = result.failures.filter(({ sentAtMs }) => sentAtMs > allowedUntilMs);
      if (late.length > 0) missed.push(`${what}: ${late.length} of ${result.admissions} refused`);
      say(JSON.stringify(rows.at(-1)));
      for (const { why, sentAtMs } of result.failures.slice(0, shownFailures)) say(`  ${sentAtMs}: ${why}`);
    };
    for (let round = 1; round <= rounds; round += 1) {
      say(`round ${round} of ${rounds}`);
      const cluster = await startLatchkeyNode({ nodes: 2, progress: createProgress(process.stderr) });
      try {
        await allowCaRotation(cluster);
        const cases = await prepareNodeLoad(cluster);
        for (const [what, disturb] of Object.entries(disturbances)) {
          note(what, await underLoad(cluster, cases, () => disturb(cluster)), 0);
        }
        let lostAtMs = 0;
        const lose = async (): Promise<void> => {
          lostAtMs = Date.now();
          await loseSecondNode(cluster);
        };
        const result = await underLoad(cluster, withoutBus(cases), lose, answersAfterLoss);
        note('node lost', result, lostAtMs + noticeMs);
      } finally {
        await cluster.stop();
      }
    }
    const total = (field: 'admissions' | 'refused') => rows.reduce((sum, row) => sum + row[field], 0);
    return {
      figures: {
        admissions: total('admissions'),
        refused: total('refused'),
        'longest refusal, ms': Math.max(...rows.map((row) => row['longest refusal, ms'])),
      },
      tables: { Disturbances: rows },
      missed,
    };
  },
});
