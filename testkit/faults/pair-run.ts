import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import { type ActingPods, watchActingPods } from './acting-pod.ts';
import { type FaultRun, startFaultRun } from './fault-run.ts';

/** What runs twice, of which one acts. */
export const pairedServices = ['cert-manager', 'discovery', 'resolver-global', 'resolver-k8s'] as const;

/** An installation under observation with two of each of {@link pairedServices}. */
export interface PairRun {
  run: FaultRun;
  acting: ActingPods;
  /** Starts one more pod of a service and waits until it is ready. */
  startAnother(service: string): Promise<ServicePod>;
  /**
   * The pod that acts is lost with its node while a Secret is created and one deleted; then another pod takes its place
   * as a standby. Times in ms from the loss. Throws when an answer was wrong.
   */
  lose(service: string): Promise<{ succeededMs: number; convergedMs: number; freshMs: number }>;
  stop(): Promise<void>;
}

export async function startPairs(): Promise<PairRun> {
  // As long as an installation has by default: whoever takes over in time leaves no gap in what is known.
  const run = await startFaultRun({ staleAfterSeconds: 15 });
  const acting = await watchActingPods(run.cluster);
  let replica = 1;
  const startAnother = async (service: string): Promise<ServicePod> => {
    const pod = await run.cluster.startService(service, { replica });
    replica += 1;
    await pod.untilReady();
    return pod;
  };
  const stop = async (): Promise<void> => {
    await acting.stop();
    await run.stop();
  };
  try {
    await Promise.all(pairedServices.map(startAnother));
  } catch (err) {
    await stop();
    throw err;
  }
  return {
    run,
    acting,
    startAnother,
    lose: async (service) => {
      const old = await acting.actingPod(service);
      let succeeded: Promise<number> | undefined;
      const recovery = await run.recover({
        what: `${service} lost`,
        strike: async () => {
          const struckMs = performance.now();
          await old.kill();
          succeeded = acting.untilSucceeded(service, old).then(() => performance.now() - struckMs);
        },
        meanwhile: () => succeeded ?? Promise.resolve(),
      });
      const successor = await acting.actingPod(service);
      await acting.untilStandby(await startAnother(service));
      const still = await acting.actingPod(service);
      if (still.uid !== successor.uid)
        throw new Error(`${service} went from ${successor.name} to ${still.name}`);
      return { ...recovery, succeededMs: (await succeeded) ?? 0 };
    },
    stop,
  };
}
