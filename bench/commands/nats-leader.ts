import { runBenchCommand } from '#bench/bench-command.ts';
import { killLeader, startClusterRun } from '#testkit/nats/cluster-run.ts';
import { startMetricTotals } from '#testkit/nats/metric-totals.ts';

await runBenchCommand({
  name: 'bench:nats-leader',
  what: `Kills the leader of a bucket on three nats-servers again and again (SIGKILL), while a publisher changes its set 200
times a second and five readers follow. Every set that comes into force must be one that was wanted, none older than
the one before; after each kill all readers agree with the publisher.`,
  options: { kills: { default: 20, what: 'kills' } },
  run: async ({ kills }, _flags, say) => {
    const metrics = startMetricTotals();
    const run = await startClusterRun();
    try {
      const rows: { kill: number; 'first ms': number; 'last ms': number; 'agreed ms': number }[] = [];
      for (let kill = 1; kill <= kills; kill += 1) {
        const { firstMs, lastMs, settledMs } = await killLeader(run);
        rows.push({ kill, 'first ms': firstMs, 'last ms': lastMs, 'agreed ms': settledMs });
        say(
          `kill ${kill} of ${kills}: changes got through after ${firstMs} ms, to everybody after ${lastMs} ms`,
        );
      }
      const stallsMs = rows.map((row) => row['last ms']).sort((left, right) => left - right);
      return {
        figures: {
          kills,
          changes: run.changes(),
          'median stall ms': stallsMs[Math.floor(stallsMs.length / 2)] ?? 0,
          'longest stall ms': stallsMs.at(-1) ?? 0,
          'whole readings': await metrics.total('latchkey_reader_resyncs_total'),
          wrong: run.wrong().length,
        },
        tables: { 'After each kill: changes got through, to everybody, all agreed after its return': rows },
        missed: run.wrong(),
      };
    } finally {
      await run.stop();
      await metrics.stop();
    }
  },
});
