import { runBenchCommand } from '#bench/bench-command.ts';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import type { AdmissionLoad } from '#testkit/load/admission-load.ts';
import { answeredBy, clientRows, failureRows } from '#testkit/load/failure-rows.ts';
import { type FailureCause, failureCause, type Kill, killGateway } from '#testkit/load/gateway-kill.ts';
import {
  type LoadInstallation,
  startLoadInstallation,
  webhookClients,
} from '#testkit/load/load-installation.ts';
import { gatewaysOf } from '#testkit/load/rolling-restart.ts';

await runBenchCommand({
  name: 'bench:kill-gateway',
  what: `Kills one of three gateways with SIGKILL again and again under load through the Service's balancer. Only what
was on its way to that gateway may fail, what went over a connection to it before its end had reached the client, and
what the balancer gave to it before it had learnt of the end. Of the first there must be some: else nothing was seen.`,
  options: {
    rounds: { default: 10, what: 'kills' },
    rate: { default: 600, what: 'requests a second, one in five on a new connection' },
    notice: { default: 0, what: 'ms until the balancer knows of a change' },
  },
  run: async ({ rounds, rate, notice }, _flags, say) => {
    const installation = await startLoadInstallation({ noticeMs: notice });
    try {
      const startedAtMs = Date.now();
      const load = await installation.startLoad(webhookClients(rate));
      const kills: Kill[] = [];
      for (let round = 0; round < rounds; round += 1) {
        await load.untilAnswered(100);
        const gateways = gatewaysOf(installation);
        kills.push(await killGateway(installation.cluster, gateways[round % gateways.length] as ServicePod));
        say(`kill ${round + 1} of ${rounds}: ${describe(causesOf(installation, load, kills))}`);
      }
      await load.untilAnswered(100);
      const summary = await load.stop();
      const causes = causesOf(installation, load, kills);
      const answered = answeredBy(summary);
      const perSecond = Math.round(answered / ((Date.now() - startedAtMs) / 1_000));
      return {
        figures: {
          kills: rounds,
          answered,
          perSecond,
          target: 'unexplained 0, in flight 1 or more',
          ...causes,
          slowestNoticeMs: Math.max(0, ...kills.map(({ endedAtMs, noticedAtMs }) => noticedAtMs - endedAtMs)),
        },
        tables: { Clients: clientRows(summary), Failures: failureRows(load.failures(), startedAtMs) },
        missed: [
          ...(causes.unexplained > 0 ? [`${causes.unexplained} failures are not the kill's`] : []),
          ...(causes['in-flight'] === 0
            ? ['no request was in flight: this measurement has seen no loss']
            : []),
          ...(perSecond < Math.min(500, rate * 0.9) ? [`only ${perSecond} requests a second`] : []),
        ],
      };
    } finally {
      await installation.stop();
    }
  },
});

function causesOf(
  installation: LoadInstallation,
  load: AdmissionLoad,
  kills: readonly Kill[],
): Record<FailureCause, number> {
  const counts = { 'in-flight': 0, 'on-its-connection': 0, 'before-notice': 0, unexplained: 0 };
  for (const failure of load.failures())
    counts[failureCause(failure, installation.connections(), kills)] += 1;
  return counts;
}

function describe(causes: Record<FailureCause, number>): string {
  return Object.entries(causes)
    .map(([cause, count]) => `${count} ${cause.replaceAll('-', ' ')}`)
    .join(', ');
}
