import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { getHeapStatistics } from 'node:v8';
import { connectServiceBus } from '#shared/bus/link/service-bus.ts';
import { runService } from '#shared/service/run-service.ts';
import { createGateway } from './gateway.ts';
import { createPrimary } from './primary.ts';
import { readMountedSnapshot } from './rules/mounted-snapshot.ts';
import { workerCount } from './workers/worker-count.ts';

const readLimit = (file: string): Promise<string | undefined> =>
  readFile(`/sys/fs/cgroup/${file}`, 'utf8').catch(() => undefined);

await runService('gateway', process, async (context) => {
  const bus = connectServiceBus('gateway', context);
  const snapshot = await readMountedSnapshot(context.process.SNAPSHOT_DIR, context);
  const workers = workerCount(context.config.gateway.workers, {
    cpuMax: await readLimit('cpu.max'),
    memoryMax: await readLimit('memory.max'),
    available: availableParallelism(),
    heapBytes: getHeapStatistics().heap_size_limit,
  });
  if (workers === 1) return createGateway(context, { bus, snapshot });
  return createPrimary(context, { bus, snapshot, workers });
});
