import process from 'node:process';
import { parseArgs } from 'node:util';
import { connectServiceBus } from '#shared/bus/link/service-bus.ts';
import { serviceProblems } from '#shared/managers/chain/chain-problems.ts';
import { runService } from '#shared/service/run-service.ts';
import { openProvider } from './providers/open-provider.ts';
import { resolveManager } from './resolve-manager.ts';
import { createResolver } from './resolver.ts';

const { values } = parseArgs({ options: { manager: { type: 'string', default: '' } } });

await runService(
  'resolver',
  process,
  async (context) => {
    const resolved = await resolveManager(values.manager, context);
    const { name } = resolved.manager;
    const polled = await openProvider(name, context.config);
    return createResolver(context, { bus: connectServiceBus(`resolver-${name}`, context), resolved, polled });
  },
  serviceProblems,
);
