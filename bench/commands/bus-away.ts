import { runBenchCommand } from '#bench/bench-command.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import {
  answeredBy,
  clientRows,
  createFailureTeller,
  failureRows,
  missedRates,
} from '#testkit/load/failure-rows.ts';
import { apiServerClients, startLoadInstallation, webhookClients } from '#testkit/load/load-installation.ts';
import { rollingRestart } from '#testkit/load/rolling-restart.ts';
import { startWithoutBus } from '#testkit/load/start-without-bus.ts';
import { createdCase, deletedCase, withoutBus } from '#testkit/load/without-bus.ts';

/** From the start of a gateway's process until it is ready, from the snapshot. */
const mostReadyMs = 2_000;
const staleAfterMs = latchkeyConfigSchema.parse({}).gateway.staleAfterSeconds * 1_000;

await runBenchCommand({
  name: 'bench:bus-away',
  what: `Takes NATS away for minutes under load through the balancer and the API server, replaces every gateway meanwhile
(each starts from the snapshot), and changes Secrets. No request may fail, and no answer may be wrong: known secrets
are injected, unknown ones are 503 until the bus is back. Each client keeps 80 % of its rate. Before,
without any load: a gateway that starts while the bus is away is ready within ${mostReadyMs} ms of the start of its process.`,
  options: {
    minutes: { default: 5, what: 'minutes without the bus' },
    starts: { default: 5, what: 'starts of a gateway without load' },
    restarts: { default: 3, what: 'rolling restarts meanwhile' },
    rate: { default: 300, what: 'requests a second through the balancer' },
    pods: { default: 30, what: 'pods a second through the API server' },
    notice: { default: 500, what: 'ms until the balancer knows of a change' },
  },
  run: async ({ minutes, starts, restarts, rate, pods, notice }, _flags, say) => {
    const installation = await startLoadInstallation({ noticeMs: notice });
    try {
      const startedMs = await startWithoutBus(installation, starts);
      say(`ready from the snapshot ${startedMs.join(', ')} ms after the start of the process`);
      const deleted = await deletedCase(installation);
      const created = await createdCase(installation);
      const clients = [...webhookClients(rate), ...apiServerClients(pods)];
      const load = await installation.startLoad(clients, {
        more: [deleted.case, created.case],
        onFailure: createFailureTeller(say),
      });
      const startedAtMs = Date.now();
      await load.untilAnswered(20);
      const unclean: string[] = [];
      const readyMs: number[] = [];
      const meanwhile = async (): Promise<void> => {
        for (let round = 1; round <= restarts; round += 1) {
          const restart = await rollingRestart(installation);
          unclean.push(...restart.unclean);
          readyMs.push(...restart.readyMs);
          const { answered, failed } = load.totals();
          say(`restart ${round} of ${restarts} without the bus: ${answered} answered, ${failed} failed`);
        }
      };
      const outageMs = minutes * 60_000;
      say(`the bus goes away for ${minutes} minutes`);
      const convergedMs = await withoutBus({
        installation,
        load,
        deleted,
        created,
        staleAfterMs,
        outageMs,
        meanwhile,
      });
      const summary = await load.stop();
      const seconds = (Date.now() - startedAtMs) / 1_000;
      const failures = load.failures();
      const slowestReadyMs = Math.max(0, ...startedMs);
      const wrong = failures.filter(({ why }) => why.startsWith('answered ')).length;
      const failed = failures.length - wrong;
      return {
        figures: {
          minutes,
          restarts,
          answered: answeredBy(summary),
          failed,
          wrong,
          convergedMs: Math.round(convergedMs),
          slowestReadyMs,
          slowestReadyUnderLoadMs: Math.max(0, ...readyMs),
        },
        tables: { Clients: clientRows(summary), Failures: failureRows(failures, startedAtMs) },
        missed: [
          ...(failed > 0 ? [`${failed} requests failed`] : []),
          ...(wrong > 0 ? [`${wrong} answers were wrong`] : []),
          ...(slowestReadyMs > mostReadyMs
            ? [`a gateway was ready ${slowestReadyMs} ms after its start`]
            : []),
          ...missedRates(clients, summary, seconds),
          ...unclean,
        ],
      };
    } finally {
      await installation.stop();
    }
  },
});
