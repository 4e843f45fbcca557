import { runBenchCommand } from '#bench/bench-command.ts';
import type { LoadClient, LoadFailure } from '#testkit/load/admission-load.ts';
import {
  answeredBy,
  clientRows,
  createFailureTeller,
  failureRows,
  missedRates,
  seesUntrusted,
} from '#testkit/load/failure-rows.ts';
import { apiServerClients, startLoadInstallation, webhookClients } from '#testkit/load/load-installation.ts';
import { rotateNaively, stopCertManagers } from '#testkit/load/rotate-naively.ts';
import { type RotationKind, rotate, shortWaits } from '#testkit/load/rotation.ts';

/** The handshake is what a rotation could break. */
const freshShare = 0.75;

await runBenchCommand({
  name: 'bench:rotations',
  what: `Rotates leaf and CA again and again under load through the real API server and by a client that makes a new
connection for every request, each verifying with the caBundle of the moment: no admission may fail. The waits are
shortened: ${JSON.stringify(shortWaits)}. Every bundle must have been trusted, and each client must have kept 80 % of its rate.`,
  options: {
    leaf: { default: 1_000, what: 'rotations of the leaf, spread between those of the CA' },
    ca: { default: 100, what: 'rotations of the CA' },
    rate: { default: 60, what: 'requests a second through the balancer' },
    pods: { default: 20, what: 'pods a second through the API server' },
  },
  flags: {
    naive:
      'the positive control: replaces the bundle at once, --ca times, and must see that the CA is not trusted',
  },
  run: async ({ leaf, ca, rate, pods }, flags, say) => {
    const naive = flags.has('naive');
    const installation = await startLoadInstallation({ config: { tls: { rotation: shortWaits } } });
    try {
      const clients = [...webhookClients(rate, freshShare), ...apiServerClients(pods)];
      const load = await installation.startLoad(clients, { onFailure: createFailureTeller(say) });
      const startedAtMs = Date.now();
      await load.untilAnswered(10);
      if (naive) await stopCertManagers(installation);
      const times: Record<RotationKind, number[]> = { leaf: [], ca: [] };
      for (const [index, kind] of rotationOrder(naive ? 0 : leaf, ca).entries()) {
        if (naive) await rotateNaively(installation);
        else times[kind].push(await rotate(installation.cluster, kind, `bench-${index}`));
        if (kind === 'leaf') continue;
        const { answered, failed } = load.totals();
        say(`${index + 1} rotations: ${answered} answered, ${failed} failed`);
      }
      await load.untilAnswered(10);
      const summary = await load.stop();
      const seconds = (Date.now() - startedAtMs) / 1_000;
      const failures = load.failures();
      return {
        figures: {
          leafRotations: times.leaf.length,
          caRotations: ca,
          order: naive ? 'naive' : 'both CAs trusted before either is needed',
          ...shortWaits,
          answered: answeredBy(summary),
          failed: failures.length,
          bundlesTrusted: summary.bundles,
          leafMs: median(times.leaf),
          caMs: median(times.ca),
          seconds: Math.round(seconds),
        },
        tables: { Clients: clientRows(summary), Failures: failureRows(failures, startedAtMs) },
        missed: naive
          ? missedControl(clients, failures)
          : [...missedTarget(failures, summary.bundles, ca), ...missedRates(clients, summary, seconds)],
      };
    } finally {
      await installation.stop();
    }
  },
});

/** The rotations of the leaf spread evenly, one of the CA after each share of them. */
function rotationOrder(leaf: number, ca: number): RotationKind[] {
  const order: RotationKind[] = [];
  const shares = Math.max(ca, 1);
  for (let done = 0; done < shares; done += 1) {
    const until = Math.round((leaf * (done + 1)) / shares);
    const before = Math.round((leaf * done) / shares);
    order.push(...Array.from({ length: until - before }, (): RotationKind => 'leaf'));
    if (done < ca) order.push('ca');
  }
  return order;
}

function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0);
}

function missedTarget(failures: readonly LoadFailure[], bundles: number, ca: number): string[] {
  // Each CA is trusted beside the one before, then alone.
  const wantedBundles = 2 * ca + 1;
  return [
    ...(failures.length > 0 ? [`${failures.length} admissions failed`] : []),
    ...(bundles < wantedBundles ? [`${bundles} bundles were trusted, not ${wantedBundles}`] : []),
  ];
}

function missedControl(clients: readonly LoadClient[], failures: readonly LoadFailure[]): string[] {
  if (seesUntrusted(clients, failures)) return [];
  return [
    'no unknown authority was seen on a new connection and through the API server: this measurement cannot see a failure',
  ];
}
