import process from 'node:process';
import { pino } from 'pino';
import { connectServiceBus } from '#shared/bus/link/service-bus.ts';
import { createReader } from '#shared/bus/read/reader.ts';
import { rulesBucket } from '#shared/contracts/bus/bucket.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import type { Applied } from './measure-fan-out.ts';

// Follows a set of rules on as many connections as it is told, each as a gateway does, and says when each has what it has.
// `node follower-process.ts <address of NATS> <folder of the login> <owner> <connections>`
const [url = '', credentials = '', owner = '', count = ''] = process.argv.slice(2);
const log = pino({ level: 'error' });

const follow = async (follower: number): Promise<void> => {
  const bus = connectServiceBus('gateway', {
    process: { NATS_URL: url, NATS_CREDENTIALS: credentials, POD_NAME: `gateway-${follower}` },
    ...{ log, clock: systemClock, end: (code) => process.exit(code) },
  });
  await bus.linked();
  createReader(bus, {
    ...{ bucket: rulesBucket, owners: [owner], keepsRecords: false, log, clock: systemClock },
    onApply: ({ changes }) => {
      for (const _ of changes);
      const applied: Applied = { follower, atMs: performance.timeOrigin + performance.now() };
      process.send?.(applied);
    },
  });
};

process.on('disconnect', () => process.exit(0));
for (let follower = 0; follower < Number(count); follower += 1) await follow(follower);
