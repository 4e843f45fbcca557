import { runBenchCommand } from '#bench/bench-command.ts';
import { startPairs } from '#testkit/faults/pair-run.ts';

/** From the loss until every gateway answers from knowledge gained after it, ms. */
const targetMs = 15_000;

await runBenchCommand({
  name: 'bench:failover',
  what: `Two of cert-manager, discovery and each resolver; the one that acts is lost with its node, again and again, while
pods are admitted through the API server. No answer may be wrong, and every gateway has to answer from knowledge gained
after the loss within ${targetMs / 1_000} s.`,
  options: { rounds: { default: 5, what: 'losses of each service' } },
  run: async ({ rounds }, _flags, say) => {
    const { run, lose, stop } = await startPairs();
    try {
      const rows: { service: string; round: number; 'successor ms': number; 'fresh ms': number }[] = [];
      for (let round = 1; round <= rounds; round += 1) {
        for (const service of ['cert-manager', 'discovery', 'resolver-global', 'resolver-k8s']) {
          const { succeededMs, freshMs } = await lose(service);
          rows.push({
            service,
            round,
            'successor ms': Math.round(succeededMs),
            'fresh ms': Math.round(freshMs),
          });
          say(
            `round ${round} of ${rounds}: ${service} lost, every gateway fresh after ${Math.round(freshMs)} ms`,
          );
        }
      }
      const late = rows.filter((row) => row['fresh ms'] > targetMs);
      return {
        figures: {
          losses: rows.length,
          answers: run.prober.answers(),
          wrong: run.prober.wrong().length,
          'longest without a successor, ms': Math.max(...rows.map((row) => row['successor ms'])),
          'longest until fresh, ms': Math.max(...rows.map((row) => row['fresh ms'])),
        },
        tables: { Losses: rows },
        missed: [
          ...run.prober.wrong(),
          ...late.map((row) => `${row.service} in round ${row.round}: fresh after ${row['fresh ms']} ms`),
        ],
      };
    } finally {
      await stop();
    }
  },
});
