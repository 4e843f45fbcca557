/** What is known of the machine, for `gateway.workers: auto`. */
export interface MachineCores {
  /** Content of `cpu.max` of the control group (cgroup v2); undefined where there is none. */
  cpuMax: string | undefined;
  /** Cores that Node calls available, asked where there is no limit. */
  available: number;
}

/**
 * Counts the workers of a gateway: as many as it is told, or with `auto` as many as the container has whole cores. A core
 * that it has a part of stays for what runs beside them: the primary, garbage collection, the log.
 */
export function workerCount(workers: number | 'auto', { cpuMax, available }: MachineCores): number {
  if (workers !== 'auto') return workers;
  return Math.max(1, Math.floor(quotaOf(cpuMax ?? '') ?? available));
}

/** Reads `<quota> <period>` in microseconds; undefined for `max <period>`, which is no limit. */
function quotaOf(cpuMax: string): number | undefined {
  const [, quota, period] = /^(\d+) ([1-9]\d*)\s*$/.exec(cpuMax) ?? [];
  return quota === undefined ? undefined : Number(quota) / Number(period);
}
