import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import { type LeaderElection, startLeaderElection } from '#shared/kubernetes/leader-election.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';
import type { ProgramContext, ReadyService } from './program.ts';

/** How long a stop waits for a start under way, which may itself wait for something that is away. */
const startPatienceMs = 5_000;

/** What a service is made of that runs in one process at a time. */
export interface LedContext extends ProgramContext {
  /** Whether this process still leads, by its own clock: to be asked right before whatever another leader would not want. */
  isLeading(): boolean;
}

/**
 * Runs a service in the one process that holds a Lease; every other one stands by, ready. A process that loses the Lease
 * ends with {@link exitCode.leadershipLost}, to be started again as a standby.
 * @param options.kubernetes for the Lease alone; closed at the end
 * @param options.create called when this process begins to lead
 */
export function createLedService(options: {
  context: ProgramContext;
  kubernetes: Kubernetes;
  lease: string;
  create: (context: LedContext) => ReadyService;
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
    remarks: () =>
      service === undefined
        ? [`standby: ${election?.holder() ?? 'nobody'} leads`]
        : (service.remarks?.() ?? []),
    // One that stands by starts again, so that it would lead with what is configured then.
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
      // What a start makes after the stop, nobody would end.
      await Promise.race([starting, clock.sleep(startPatienceMs)]);
      await service?.stop();
      await election?.stop();
      kubernetes.close();
    },
  };
}
