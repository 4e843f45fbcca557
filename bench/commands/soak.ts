import { setTimeout as delay } from 'node:timers/promises';
import { runBenchCommand } from '#bench/bench-command.ts';
import { disturbancesOf } from '#bench/soak/disturbances.ts';
import { leastRise, trendRows } from '#bench/soak/trend-rows.ts';
import { type WatchedProcess, watchProcess } from '#bench/soak/watched-process.ts';
import {
  answeredBy,
  clientRows,
  createFailureTeller,
  failureRows,
  missedRates,
} from '#testkit/load/failure-rows.ts';
import { apiServerClients, startLoadInstallation, webhookClients } from '#testkit/load/load-installation.ts';
import { gatewaysOf } from '#testkit/load/rolling-restart.ts';
import { shortWaits } from '#testkit/load/rotation.ts';
import { createRandom } from '#testkit/properties/random.ts';

const lookEveryMs = 2_000;
/** Quiet time between two disturbances, at most. */
const mostQuietMs = 5_000;

await runBenchCommand({
  name: 'soak',
  what: `Keeps an installation of three gateways under load for a while, and disturbs it at random all the time: waves of
Secrets, rotations of leaf and CA, a bus that goes away, services that are ended or stand still. No answer may be wrong
and no request may fail; that a Secret is missing may not be known (503) after a fault. Memory, open files and connections
of the processes that are not ended must not rise: a line through the floors of twelve stretches of time after the first
third has a slope that is not above 0 with a confidence of 99 %, or rises by less than ${leastRise} in all.`,
  options: {
    minutes: { default: 30, what: 'minutes under load' },
    rate: { default: 100, what: 'requests a second through the balancer' },
    pods: { default: 10, what: 'pods a second through the API server' },
    seed: { default: 1, what: 'seed of the disturbances' },
  },
  run: async ({ minutes, rate, pods, seed }, _flags, say) => {
    const installation = await startLoadInstallation({ config: { tls: { rotation: shortWaits } } });
    try {
      const { discovery, resolvers } = installation;
      const watched = [...gatewaysOf(installation), discovery, resolvers.global].map(watchProcess);
      const clients = [...webhookClients(rate), ...apiServerClients(pods)];
      const load = await installation.startLoad(clients, { onFailure: createFailureTeller(say) });
      load.accept('missing', [{ code: 404 }, { code: 503 }]);
      const startedAtMs = Date.now();
      const endMs = performance.now() + minutes * 60_000;
      const happened = new Map<string, number>();
      const random = createRandom(seed);
      const disturb = async (): Promise<void> => {
        const disturbances = disturbancesOf(installation);
        while (performance.now() < endMs) {
          const disturbance = random.pick(disturbances);
          await disturbance.happen(random);
          happened.set(disturbance.name, (happened.get(disturbance.name) ?? 0) + 1);
          const { answered, failed } = load.totals();
          say(`${disturbance.name}: ${answered} answered, ${failed} failed so far`);
          await delay(random.upTo(mostQuietMs));
        }
      };
      const [, ended] = await Promise.all([disturb(), lookUntil(watched, endMs)]);
      await load.untilAnswered(20);
      const summary = await load.stop();
      const seconds = (Date.now() - startedAtMs) / 1_000;
      const failures = load.failures();
      const trends = trendRows(watched.filter((each) => !ended.has(each)));
      return {
        figures: {
          minutes,
          answered: answeredBy(summary),
          failed: failures.length,
          bundles: summary.bundles,
        },
        tables: {
          Disturbances: Array.from(happened, ([what, times]) => ({ what, times })),
          Trends: trends.map(({ isLeak: _, ...row }) => row),
          Clients: clientRows(summary),
          Failures: failureRows(failures, startedAtMs),
        },
        missed: [
          ...ended.values(),
          ...(failures.length > 0 ? [`${failures.length} requests failed or were answered wrongly`] : []),
          ...trends
            .filter(({ isLeak }) => isLeak)
            .map(({ process, of, perHour }) => `${process}: ${of} rises by ${perHour} an hour`),
          ...missedRates(clients, summary, seconds),
        ],
      };
    } finally {
      await installation.stop();
    }
  },
});

/** Looks at each again and again; returns those that have ended meanwhile, and how. */
async function lookUntil(
  watched: readonly WatchedProcess[],
  endMs: number,
): Promise<ReadonlyMap<WatchedProcess, string>> {
  const ended = new Map<WatchedProcess, string>();
  while (performance.now() < endMs) {
    const atMs = performance.now();
    for (const each of watched) {
      if (!ended.has(each)) await each.look(atMs).catch((err: Error) => ended.set(each, err.message));
    }
    await delay(lookEveryMs);
  }
  return ended;
}
