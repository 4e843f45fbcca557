import process from 'node:process';
import { connectServiceBus } from '#shared/bus/link/service-bus.ts';
import { runProgram } from '#shared/service/program.ts';
import { createGateway } from './gateway.ts';
import { readMountedSnapshot } from './rules/mounted-snapshot.ts';

await runProgram('gateway', process, async (context) => {
  const bus = connectServiceBus('gateway', context);
  return createGateway(context, bus, await readMountedSnapshot(context.process.SNAPSHOT_DIR, context));
});
