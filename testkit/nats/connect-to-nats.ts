import { pino } from 'pino';
import { connectServiceBus } from '#shared/bus/link/service-bus.ts';
import { systemClock } from '#shared/runtime/clock.ts';

// Connects as a service in a process of its own, because Node reads NODE_EXTRA_CA_CERTS at its start alone.
const [url = '', credentialsFolder = ''] = process.argv.slice(2);
const bus = connectServiceBus('gateway', {
  process: { NATS_URL: url, NATS_CREDENTIALS: credentialsFolder, POD_NAME: 'test' },
  log: pino(),
  clock: systemClock,
  end: (code) => process.exit(code),
});
const { nc } = await bus.linked();
process.stdout.write(`connected ${JSON.stringify({ isTls: nc.info?.tls_required === true })}\n`);
await bus.close();
