import { after, before, test } from 'node:test';
import { type FaultRun, startFaultRun } from '#testkit/faults/fault-run.ts';
import { startWatchFaultProxy, type WatchFaultProxy } from '../faults/watch-fault-proxy.ts';

let run: FaultRun;
let proxy: WatchFaultProxy;

before(async () => {
  run = await startFaultRun();
  proxy = await startWatchFaultProxy({ target: run.cluster.server, ca: run.cluster.authority });
  await run.prober.disturbed({ what: 'discovery moves behind the proxy' }, async () => {
    await run.pod('discovery').stop();
    await (await run.cluster.startService('discovery', { apiServer: proxy.url })).untilReady();
    await run.untilConverged();
  });
});
after(async () => {
  await run?.stop();
  await proxy?.close();
});

test('an API server that is killed and started again loses no change, and no gateway minds', (t) =>
  run.survives(t, {
    what: 'API server killed and started again',
    apiServerAway: true,
    strike: async () => {
      await run.cluster.apiServer().stop('SIGKILL');
      await run.cluster.startApiServer();
    },
  }));

test('watches that are reset while 500 and 429 answer the next ones lose no change', (t) =>
  run.survives(t, {
    what: 'watches reset, then 500 and 429 with Retry-After',
    strike: async () => {
      proxy.failNext('watch', { status: 500 }, 2);
      proxy.failNext('watch', { status: 429, retryAfterSeconds: 1 }, 2);
      proxy.failNext('watch', 'reset', 2);
      proxy.strikeOpenWatches('reset');
    },
  }));

test('watches answered with 410 and lists with 500, 429 and a reset lose no change', (t) =>
  run.survives(t, {
    what: '410, then the list fails',
    strike: async () => {
      proxy.failNext('watch', { status: 410 }, 3);
      proxy.failNext('list', { status: 500 });
      proxy.failNext('list', { status: 429, retryAfterSeconds: 1 });
      proxy.failNext('list', 'reset');
      proxy.strikeOpenWatches('end');
    },
  }));

test('410 as an event inside the watches loses no change', (t) =>
  run.survives(t, {
    what: '410 as an ERROR event',
    strike: async () =>
      proxy.strikeOpenWatches({
        line: JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } }),
      }),
  }));

test('events torn in their middle or split over chunks lose no change', async (t) => {
  await run.survives(t, { what: 'a torn event', strike: async () => proxy.setLineMode('tear') });
  await run.survives(t, { what: 'events byte by byte', strike: async () => proxy.setLineMode('split') });
  proxy.setLineMode('whole');
});

test('watches left open and silent make no gateway forget, and nothing is lost once they end', (t) =>
  run.survives(t, {
    what: 'watches stalled with their sockets open',
    strike: async () => proxy.strikeOpenWatches('stall'),
    meanwhile: (_, deleted) => run.untilEveryGateway(deleted, 200),
    // The reflector notices by itself after 130 s (test/faults/watch-faults.integration.test.ts does it with 1 s).
    heal: async () => proxy.strikeOpenWatches('reset'),
  }));
