import type { Problem } from './finding.ts';
import type { Pod } from './installation-facts.ts';

/** Counts the pods of one service. */
export interface PodsState {
  total: number;
  ready: number;
  /** The pods that are not ready although they had the time, and why. */
  late: readonly { name: string; reason: string }[];
}

/** Allows a pod this time to become ready. */
const startMs = 120_000;

/** Names the service that a pod is of. */
export const serviceOf = ({ metadata }: Pod): string => metadata.labels?.['app.kubernetes.io/name'] ?? '';

/** Counts the pods by service; those being deleted are left out. */
export function podsByService(pods: readonly Pod[], nowMs: number): Map<string, PodsState> {
  const present = pods.filter(
    ({ metadata, status }) => metadata.deletionTimestamp === undefined && status?.phase !== 'Succeeded',
  );
  const groups = Map.groupBy(present, serviceOf);
  return new Map(Array.from(groups, ([service, group]) => [service, stateOf(group, nowMs)]));
}

function stateOf(pods: readonly Pod[], nowMs: number): PodsState {
  const unready = pods.filter((pod) => !isReady(pod));
  const isLate = ({ metadata }: Pod): boolean =>
    nowMs - Date.parse(metadata.creationTimestamp ?? '') >= startMs;
  const late = unready.filter(isLate).map((pod) => ({ name: pod.metadata.name, reason: reasonOf(pod) }));
  return { total: pods.length, ready: pods.length - unready.length, late };
}

const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true;

function reasonOf({ status }: Pod): string {
  const waiting = status?.containerStatuses?.map(({ state }) => state?.waiting?.reason).find(Boolean);
  return waiting ?? (status?.phase === 'Running' ? 'running, not ready' : (status?.phase ?? 'unknown'));
}

/** Reports the pods that should be ready by now. */
export const lateProblems = ({ late }: PodsState): Problem[] =>
  late.map(({ name, reason }) => ({
    message: `pod ${name} is not ready: ${reason}`,
    advice: `kubectl describe pod ${name}, its log, and its /readyz, which lists what is missing`,
  }));
