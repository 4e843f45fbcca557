import type { V1Pod } from '@kubernetes/client-node';
import type { Cluster } from '#testkit/cluster/cluster.ts';
import type { TaskReading } from '#testkit/node/reading-task.ts';
import type { AskedSecret } from '#testkit/pods/task-pod.ts';

/** What the demo needs of an installation, whether its services are processes of this machine or pods of a real node. */
export interface Stage {
  cluster: Pick<Cluster, 'kubectl' | 'kubernetes' | 'kubectlLine'>;
  createNamespace: (name: string, labels: Record<string, string>) => Promise<void>;
  /** A task pod that this stage can run, or show. */
  aTask: (namespace: string, name: string, secrets: readonly AskedSecret[]) => V1Pod;
  /** What a task read that was created; only where pods run. */
  readTask?: (pod: V1Pod) => Promise<TaskReading>;
  /** Makes so many gateways ready, and gives a loopback port of each. */
  scaleGateways: (count: number) => Promise<number[]>;
  killBus: () => Promise<void>;
  startBus: () => Promise<void>;
  stop: () => Promise<void>;
}

/** The global secret of the demo. */
export const demoGlobal = { group: 'team', key: 'token', value: 'only-the-pod-sees-this' };
