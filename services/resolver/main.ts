import process from 'node:process';
import { parseArgs } from 'node:util';
import { connectServiceBus } from '#shared/bus/service-bus.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { managers } from '#shared/core/managers/registry.ts';
import { runProgram } from '#shared/runtime/program.ts';
import { createResolver } from './resolver.ts';

const { values } = parseArgs({ options: { manager: { type: 'string', default: '' } } });

await runProgram('resolver', process, (context) => {
  const manager = managers.get(values.manager);
  if (manager === undefined) {
    const known = [...managers.keys()].join(', ');
    throw new LatchkeyError(
      'CONFIG_INVALID',
      `--manager "${values.manager}" is not known: use one of ${known}.`,
    );
  }
  return createResolver(context, connectServiceBus(`resolver-${manager.name}`, context), manager);
});
