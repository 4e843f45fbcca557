import process from 'node:process';
import { connectServiceBus } from '#shared/bus/service-bus.ts';
import { runProgram } from '#shared/runtime/program.ts';
import { createGateway } from './gateway.ts';

await runProgram('gateway', process, (context) =>
  createGateway(context, connectServiceBus('gateway', context)),
);
