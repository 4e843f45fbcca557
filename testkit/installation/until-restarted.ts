import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import type { Exit } from '#testkit/processes/guarded-process.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

const restartTimeoutMs = 30_000;

/** The process of the moment ends, now or soon; resolves with its end once its successor runs. */
export async function untilStartedAgain(pod: ServicePod): Promise<Exit> {
  const ending = pod.run.process();
  if (ending === undefined) throw new Error(`${pod.name} does not run`);
  const exit = await ending.exited;
  await waitFor(() => pod.pid() !== ending.pid && pod.run.process()?.isRunning(), {
    timeoutMs: restartTimeoutMs,
    what: `a new process of ${pod.name}`,
  });
  return exit;
}

/** The same, until the successor is ready. */
export async function untilRestarted(pod: ServicePod): Promise<Exit> {
  const exit = await untilStartedAgain(pod);
  await pod.untilReady();
  return exit;
}

/** Ends the process with a signal, as a kubelet or the kernel would; it is started again. */
export async function restart(pod: ServicePod, signal: NodeJS.Signals): Promise<Exit> {
  const restarted = untilRestarted(pod);
  pod.signal(signal);
  return restarted;
}
