import type { V1Pod } from '@kubernetes/client-node';
import type { Cluster } from '#testkit/cluster/cluster.ts';
import { createPod, variablesOf } from '#testkit/installation/create-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

type Injector = 'flyte' | 'latchkey';

/** Pods that are created (as dry runs) one after another for as long as a test lasts, and who injected each. */
export interface PodStream {
  counts: Record<Injector, number>;
  /** One line for every pod that was denied or admitted with anything but its secret. */
  wrong: string[];
  /** Waits until the last `times` pods were all injected by this one. */
  untilInjectedBy(injector: Injector, times: number): Promise<void>;
  stop(): Promise<void>;
}

/** `variable` has to hold `reference`, `secret/key`, in the pod that is admitted. */
export function startPodStream(
  cluster: Cluster,
  pod: V1Pod,
  [variable, reference]: [string, string],
): PodStream {
  const counts = { flyte: 0, latchkey: 0 };
  const wrong: string[] = [];
  let row: { injector: Injector; length: number } | undefined;
  let stopped = false;

  const createOne = async (): Promise<void> => {
    const answer = await createPod(cluster, pod, { dryRun: true });
    if (!answer.admitted) {
      wrong.push(`denied: ${answer.code} ${answer.message}`);
      return;
    }
    const variables = answer.pod.spec?.containers[0]?.env ?? [];
    const found = variables.filter(({ name }) => name === variable).length;
    if (found !== 1 || variablesOf(answer.pod)[variable] !== reference) {
      wrong.push(`admitted with ${found} times ${variable}`);
    }
    const injector = answer.pod.metadata?.annotations?.['latchkey.dev/injected'] ? 'latchkey' : 'flyte';
    counts[injector] += 1;
    row = row?.injector === injector ? { injector, length: row.length + 1 } : { injector, length: 1 };
  };
  const running = (async () => {
    while (!stopped) await createOne();
  })();

  return {
    counts,
    wrong,
    untilInjectedBy: async (injector, times) => {
      row = undefined;
      await waitFor(() => row?.injector === injector && row.length >= times, {
        timeoutMs: 60_000,
        what: `${times} pods in a row injected by ${injector}`,
      });
    },
    stop: async () => {
      stopped = true;
      await running;
    },
  };
}
