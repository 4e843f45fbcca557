/** What a container is given, for `gateway.workers: auto`; files of its control group (cgroup v2) where there is one. */
export interface ContainerLimits {
  /** Content of `cpu.max`. */
  cpuMax: string | undefined;
  /** Content of `memory.max`. */
  memoryMax: string | undefined;
  /** Cores that Node calls available, asked where there is no limit. */
  available: number;
  /** Most that the heap of one process takes. */
  heapBytes: number;
}

/** The heap's part of what a process takes, as in the manifests; code, buffers and TLS have the rest. */
const heapShare = 5 / 8;

/**
 * Counts the workers of a gateway: as many as it is told, or with `auto` as many as the container has whole cores, and
 * memory for beside the primary. A core that it has a part of stays for garbage collection and the log.
 */
export function workerCount(workers: number | 'auto', limits: ContainerLimits): number {
  if (workers !== 'auto') return workers;
  const { cpuMax = '', memoryMax = '', available, heapBytes } = limits;
  const cores = Math.floor(quotaOf(cpuMax) ?? available);
  const processes = Math.round((bytesOf(memoryMax) * heapShare) / heapBytes);
  return Math.max(1, Math.min(cores, processes - 1));
}

/** Reads `<quota> <period>` in microseconds; undefined for `max <period>`, which is no limit. */
function quotaOf(cpuMax: string): number | undefined {
  const [, quota, period] = /^(\d+) ([1-9]\d*)\s*$/.exec(cpuMax) ?? [];
  return quota === undefined ? undefined : Number(quota) / Number(period);
}

/** Reads a number of bytes; `max` is no limit. */
const bytesOf = (memoryMax: string): number =>
  /^\d+\s*$/.test(memoryMax) ? Number(memoryMax) : Number.POSITIVE_INFINITY;
