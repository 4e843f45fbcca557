import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { systemClock } from '#shared/runtime/clock.ts';
import { createLog } from '#shared/runtime/log.ts';
import { createLifecycle } from '#shared/service/lifecycle.ts';

/**
 * A service with the lifecycle and the log of the real ones, for process-end.test.ts: `/talk` logs 64 KiB, `/wait` is
 * answered when the stop has begun, `/fail` leaves a rejection unhandled. It tells its port by a message to its parent.
 */
const log = createLog({ service: 'talking', level: 'info' });
const stopping = Promise.withResolvers<void>();
const server = createServer(async (request, response) => {
  if (request.url === '/talk') log.info({ filler: 'x'.repeat(65_536) }, 'talking');
  if (request.url === '/wait') await stopping.promise;
  if (request.url === '/fail') void Promise.reject(new Error('nobody handles this'));
  response.end('answered');
});
const lifecycle = createLifecycle({
  service: {
    start: async () => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      process.send?.({ port: (server.address() as AddressInfo).port });
    },
    stop: async () => {
      stopping.resolve();
      await new Promise((resolve) => server.close(resolve));
    },
  },
  process,
  log,
  clock: systemClock,
  stopDeadlineMs: 20_000,
});
await lifecycle.run();
