import { type LeaderElection, startLeaderElection } from '#shared/kubernetes/election/leader-election.ts';
import { leaseTimes } from '#shared/kubernetes/election/next-lease-step.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';
import type { ReadyService } from './ready-service.ts';
import type { ServiceContext } from './service-context.ts';

/** Bounds how long a stop waits for a start in progress, which may itself wait for an absent dependency. */
const startPatienceMs = 5_000;

/** Adds to a service's context whether its process leads. */
export interface LeaderContext extends ServiceContext {
  /** Tells whether this process still leads, by its own clock; asked right before every write. */
  isLeading(): boolean;
}

/**
 * Runs a service in the process that holds a Lease. Every other one stands by, ready. A process that loses the Lease ends
 * with {@link exitCode.leadershipLost}, to be started again as a standby.
 * @param options.kubernetes for the Lease alone; closed at the end
 * @param options.create called when this process begins to lead
 */
export function createLeaderElectedService(options: {
  context: ServiceContext;
  kubernetes: Kubernetes;
  lease: string;
  create: (context: LeaderContext) => ReadyService;
}): ReadyService {
  const { context, kubernetes } = options;
  const { POD_NAME, POD_NAMESPACE, POD_UID } = context.process;
  const { log, clock } = context;
  let election: LeaderElection | undefined;
  let service: ReadyService | undefined;
  let starting: Promise<void> | undefined;

  const lead = async (): Promise<void> => {
    service = options.create({ ...context, isLeading: () => election?.isLeading() === true });
    await service.start();
  };
  const failed = (err: unknown): void => {
    log.fatal({ err }, 'unexpected failure');
    context.end(exitCode.failed, 'the service failed to start');
  };

  return {
    notReady: () => service?.notReady() ?? [election?.problem() ?? []].flat(),
    remarks: () => (service === undefined ? [standbyRemark(election)] : (service.remarks?.() ?? [])),
    // A standby restarts on every change, so that it would lead with the current configuration.
    concern: (config) => service?.concern?.(config) ?? config,
    start: async () => {
      election = startLeaderElection({
        kubernetes,
        lease: { namespace: POD_NAMESPACE, name: options.lease },
        identity: `${POD_NAME}_${POD_UID}`,
        log,
        clock,
        onLead: () => {
          starting = lead().catch(failed);
        },
        onLost: (why) => context.end(exitCode.leadershipLost, `leadership lost: ${why}`),
      });
    },
    stop: async () => {
      // Nothing would stop what a start makes after the stop.
      await Promise.race([starting, clock.sleep(startPatienceMs)]);
      await service?.stop();
      await election?.stop();
      kubernetes.close();
    },
  };
}

/** Says who leads, or for how long the one that should has not shown that it does. */
function standbyRemark(election: Pick<LeaderElection, 'holder' | 'unchangedMs'> | undefined): string {
  const holder = election?.holder();
  const unchangedMs = election?.unchangedMs() ?? 0;
  if (holder === undefined || unchangedMs < leaseTimes.durationMs)
    return `standby: ${holder ?? 'nobody'} leads`;
  return `standby: ${holder} holds the Lease, but has not renewed it for ${Math.floor(unchangedMs / 1_000)} s`;
}
