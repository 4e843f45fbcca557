import { runBenchCommand } from '#bench/bench-command.ts';
import {
  answeredBy,
  clientRows,
  createFailureTeller,
  failureRows,
  missedRepeats,
} from '#testkit/load/failure-rows.ts';
import { apiServerClients, startLoadInstallation, webhookClients } from '#testkit/load/load-installation.ts';
import { rollingRestart } from '#testkit/load/rolling-restart.ts';

await runBenchCommand({
  name: 'bench:rolling-restarts',
  what: `Restarts three gateways again and again as a Deployment does, under load through the Service's balancer: no
request may fail, and at most one in a thousand may be sent away to try again. The balancer learns late who is ready, and
connections stay with an endpoint that is not.`,
  options: {
    restarts: { default: 20, what: 'rolling restarts' },
    rate: { default: 600, what: 'requests a second, one in five on a new connection' },
    pods: { default: 10, what: 'pods a second through the API server' },
    requests: { default: 100_000, what: 'requests at least' },
    notice: { default: 500, what: 'ms until the balancer knows of a change' },
  },
  run: async ({ restarts, rate, pods, requests, notice }, _flags, say) => {
    const installation = await startLoadInstallation({ noticeMs: notice });
    try {
      const startedAtMs = Date.now();
      const load = await installation.startLoad([...webhookClients(rate), ...apiServerClients(pods)], {
        onFailure: createFailureTeller(say),
      });
      await load.untilAnswered(5);
      const unclean: string[] = [];
      for (let round = 1; round <= restarts; round += 1) {
        unclean.push(...(await rollingRestart(installation)).unclean);
        const { answered, failed } = load.totals();
        say(`restart ${round} of ${restarts}: ${answered} answered, ${failed} failed`);
      }
      while (load.totals().answered < requests) await load.untilAnswered(5);
      const summary = await load.stop();
      const seconds = (Date.now() - startedAtMs) / 1_000;
      const answered = answeredBy(summary);
      const failed = load.failures().length;
      const perSecond = Math.round(answered / seconds);
      return {
        figures: { restarts, gateways: 3, answered, failed, perSecond, seconds: Math.round(seconds) },
        tables: { Clients: clientRows(summary), Failures: failureRows(load.failures(), startedAtMs) },
        missed: [
          ...(failed > 0 ? [`${failed} of ${answered} requests failed`] : []),
          ...(perSecond < Math.min(500, rate * 0.9) ? [`only ${perSecond} requests a second`] : []),
          ...missedRepeats(summary),
          ...unclean,
        ],
      };
    } finally {
      await installation.stop();
    }
  },
});
