import type { SetVersion } from '#shared/bus/records/freshness.ts';
import type { Heartbeat } from '#shared/contracts/bus/heartbeat.ts';
import type { RuleSink } from '../rules/rule-sink.ts';
import { isJointlyUsable, jointVersions } from './joint-versions.ts';
import { machineMs } from './machine-ms.ts';
import type { ToWorker } from './to-worker.ts';
import type { WorkerPool } from './worker-pool.ts';

/** Hands the rules on to the workers. They decide: what is in force is what all of them say they have. */
export const createWorkersSink = (
  pool: Pick<WorkerPool, 'tell' | 'tellSet' | 'tellHeard' | 'reports'>,
): RuleSink => ({
  readsAgain: true,
  *prepare({ owner, epoch, seq, changes }) {
    return () => pool.tellSet({ owner, epoch, seq }, changes.records);
  },
  keep: (managers) => pool.tell(() => [{ kind: 'keep', managers: [...managers] }]),
  heard: ({ applied, sourceAgeMs }) => pool.tellHeard(heardMessage({ applied, sourceAgeMs })),
  inForce: (read) =>
    jointVersions(pool.reports()).filter(({ owner }) => read.some((version) => version.owner === owner)),
  isUsable: (manager) => isJointlyUsable(pool.reports(), manager),
});

/** Says what was heard just now. */
const heardMessage = (heard: Pick<Heartbeat, 'applied' | 'sourceAgeMs'>): ToWorker => ({
  kind: 'heard',
  ...heard,
  atMs: machineMs(),
});

/** Says of a set how fresh it is known to be, to a worker that has not heard its publisher. */
export const knownFreshness = (version: SetVersion, ageMs: number): ToWorker =>
  heardMessage({ applied: [version], sourceAgeMs: ageMs });
