import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { webhookPath } from '#shared/contracts/webhook-path.ts';
import { requestText } from '#test/wire-client.ts';
import { buildGoClient, runGoClient } from './go-client.ts';
import { runBench } from './load/bench-command.ts';
import { type GatewayProcess, startGatewayProcess } from './overload/gateway-process.ts';

const timeoutMs = 5_000;
/** Enough to keep a gateway busy, too few to make it shed. */
const capacitySeats = 64;
/** What counts as flat: so much may the last third of an overload take more than the middle one, MiB. */
const mostGrowthMib = 50;
/** The limit in deploy/gateway.yaml: beyond it the kernel ends the gateway. */
const podLimitMib = 1_024;
const sampleMs = 500;
/** So long would the gateway need for one attempt of every seat: longer than a call waits, so some must be shed. */
const seatSeconds = 6;

/** What tools/overload prints. */
interface LoadResult {
  seconds: number;
  offered: number;
  seated: number;
  attempts: number;
  accepted: number;
  shed: number;
  timedOut: number;
  failed: number;
  failures: Readonly<Record<string, number>>;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  attemptP99Ms: number;
}

interface Phase {
  seats: number;
  perSecond?: number;
  backsOff?: boolean;
  seconds: number;
}

/** Resident memory of the gateway while `work` goes on: the largest, and its growth from the middle third to the last, MiB. */
async function watchMemory<T>(
  gateway: GatewayProcess,
  work: Promise<T>,
): Promise<{ result: T; peakMib: number; growthMib: number }> {
  const samples: number[] = [];
  const timer = setInterval(async () => {
    samples.push(await gateway.residentMib().catch(() => 0));
  }, sampleMs);
  try {
    const result = await work;
    const third = Math.floor(samples.length / 3);
    const growthMib = Math.max(0, ...samples.slice(-third)) - Math.max(0, ...samples.slice(third, -third));
    return { result, peakMib: Math.max(0, ...samples), growthMib };
  } finally {
    clearInterval(timer);
  }
}

const perSecond = (count: number, { seconds }: LoadResult): number => Math.round(count / seconds);

await runBench({
  name: 'bench:overload',
  what: `Measures what one real gateway process answers when it is kept busy (capacity), then offers ten times as much: once as the
API server does (a call keeps its seat, follows Retry-After, gives up after 5 s), once without any backing off. Seats are calls
in progress; a call that finds no seat never reaches the gateway. An API server has 600 (its limits of requests in flight),
which is too few to overload a fast gateway: it takes several, or --seats as by default.
Calls that back off are the target, the open loop is the worse case that is measured against it as well: goodput of 80 % of capacity or more, p99 of accepted calls below half the timeout (of attempts, where calls back
off), memory flat, nothing answered otherwise than with 200 or 503.`,
  options: {
    seconds: { default: 20, what: 'length of each phase' },
    times: { default: 10, what: 'how much more than the capacity is offered' },
    seats: { default: 0, what: `calls in progress at most, 0 = capacity x ${seatSeconds} s` },
  },
  run: async ({ seconds, times, seats }, _flags, say) => {
    const program = await buildGoClient('overload');
    const body = await readFile(join(import.meta.dirname, '../test/golden/review-12k.json'), 'utf8');
    const request = requestText({ path: `${webhookPath}?timeout=${timeoutMs / 1_000}s`, body });
    const gateway = await startGatewayProcess();
    try {
      const address = `127.0.0.1:${gateway.webhookPort}`;
      const run = async (name: string, phase: Phase) => {
        const plan = { address, request, perSecond: 0, backsOff: false, timeoutMs, ...phase };
        let cpuBefore = Promise.resolve(0);
        const onMessage = (): void => {
          cpuBefore = gateway.cpuSeconds();
        };
        const { result, peakMib, growthMib } = await watchMemory(
          gateway,
          runGoClient<LoadResult>(program, plan, { env: { GOMAXPROCS: '1' }, onMessage }),
        );
        const row = {
          name,
          'offered/s': perSecond(result.offered, result),
          'attempts/s': perSecond(result.attempts, result),
          'accepted/s': perSecond(result.accepted, result),
          'shed/s': perSecond(result.shed, result),
          'accepted/CPU s': Math.round(result.accepted / ((await gateway.cpuSeconds()) - (await cpuBefore))),
          timedOut: result.timedOut,
          failed: result.failed,
          p50Ms: Math.round(result.p50Ms),
          p99Ms: Math.round(result.p99Ms),
          attemptP99Ms: Math.round(result.attemptP99Ms),
          peakMib,
          growthMib,
          afterMib: await gateway.residentMib(),
        };
        for (const [why, count] of Object.entries(result.failures)) say(`${name}: ${count} x ${why}`);
        say(`${name}: ${row['accepted/s']} accepted a second of ${row['attempts/s']} attempts`);
        return row;
      };
      await run('warm-up', { seats: capacitySeats, seconds: Math.min(5, seconds) });
      const before = await run('capacity before', { seats: capacitySeats, seconds });
      const offered = before['accepted/s'] * times;
      const overloadSeats = seats === 0 ? before['accepted/s'] * seatSeconds : seats;
      const backing = await run('overload, backing off', {
        seats: overloadSeats,
        perSecond: offered,
        backsOff: true,
        seconds,
      });
      const open = await run('overload, open loop', { seats: overloadSeats, perSecond: offered, seconds });
      const after = await run('capacity after', { seats: capacitySeats, seconds });
      const rows = [before, backing, open, after];

      const capacity = (before['accepted/s'] + after['accepted/s']) / 2;
      const share = (row: typeof open): number => Number((row['accepted/s'] / capacity).toFixed(2));
      const onTheWire = (row: typeof open): number => Number((row['attempts/s'] / capacity).toFixed(2));
      const growthMib = Math.max(backing.growthMib, open.growthMib);
      const missed = [backing, open].flatMap((row) => [
        ...(share(row) >= 0.8 ? [] : [`${row.name}: goodput is ${share(row)} of capacity, not 0.8`]),
        ...(row.attemptP99Ms <= timeoutMs / 2
          ? []
          : [`${row.name}: p99 of what is accepted is ${row.attemptP99Ms} ms`]),
        ...(row.failed === 0 ? [] : [`${row.name}: ${row.failed} calls failed otherwise`]),
        ...(row.timedOut === 0 ? [] : [`${row.name}: ${row.timedOut} calls had no answer in time`]),
        ...(row['shed/s'] > 0
          ? []
          : [`${row.name}: nothing was shed, so nothing was overloaded: more --seats`]),
      ]);
      const peakMib = Math.max(backing.peakMib, open.peakMib);
      if (peakMib > podLimitMib) missed.push(`memory went up to ${peakMib} MiB, the pod has ${podLimitMib}`);
      if (growthMib > mostGrowthMib) missed.push(`memory grew by ${growthMib} MiB while overloaded`);
      const figures = {
        capacity: `${Math.round(capacity)}/s`,
        'goodput / capacity, backing off': share(backing),
        'goodput / capacity, open loop': share(open),
        seats: overloadSeats,
        'attempts / capacity, backing off': onTheWire(backing),
        'attempts / capacity, open loop': onTheWire(open),
        'memory MiB, before': before.peakMib,
        'memory MiB, most': peakMib,
        'memory growth while overloaded MiB': growthMib,
        'shed, by the gateway': await gateway.metric('latchkey_requests_shed_total'),
      };
      return { figures, tables: { phases: rows }, missed };
    } finally {
      await gateway.stop();
    }
  },
});
