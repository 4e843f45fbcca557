import process from 'node:process';
import { connectServiceBus } from '#shared/bus/link/service-bus.ts';
import { runService } from '#shared/service/run-service.ts';
import { createGateway } from './gateway.ts';
import { readMountedSnapshot } from './rules/mounted-snapshot.ts';

await runService('gateway', process, async (context) => {
  const bus = connectServiceBus('gateway', context);
  const snapshot = await readMountedSnapshot(context.process.SNAPSHOT_DIR, context);
  return createGateway(context, { bus, snapshot });
});
