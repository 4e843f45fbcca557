import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runBenchCommand } from '#bench/bench-command.ts';
import { buildGoClient } from '#bench/go-client.ts';
import { startGatewayProcess } from '#bench/overload/gateway-process.ts';
import { overloadPhases, type Phase, type PhaseRow } from '#bench/overload/overload-phase.ts';
import { webhookPath } from '#shared/contracts/kubernetes/webhook-path.ts';
import { requestText } from '#testkit/gateway/wire-request.ts';

const timeoutMs = 5_000;
const leastGoodput = 0.8;
/** Enough to keep a gateway busy, too few to make it shed. */
const capacitySeats = 64;
/** What counts as flat: so much may the last third of an overload take more than the middle one, MiB. */
const mostGrowthMib = 50;
/** The limit in deploy/gateway.yaml: beyond it the kernel ends the gateway. */
const podLimitMib = 1_024;

/** What is wrong with a phase, for each of these that is asked. */
const faults = {
  goodput: (row: PhaseRow, capacity: number) =>
    row['accepted/s'] / capacity >= leastGoodput
      ? []
      : [`goodput is ${share(row, capacity)} of capacity, not ${leastGoodput}`],
  calls: ({ p99Ms }: PhaseRow) =>
    p99Ms <= timeoutMs / 2 ? [] : [`p99 of accepted calls is ${p99Ms} ms, not ${timeoutMs / 2}`],
  inTime: ({ timedOut }: PhaseRow) => (timedOut === 0 ? [] : [`${timedOut} calls had no answer in time`]),
  answers: ({ failed }: PhaseRow) =>
    failed === 0 ? [] : [`${failed} calls had another answer than 200 or 503`],
  memory: ({ peakMib, growthMib }: PhaseRow) => [
    ...(peakMib <= podLimitMib ? [] : [`memory went up to ${peakMib} MiB, the pod has ${podLimitMib}`]),
    ...(growthMib <= mostGrowthMib ? [] : [`memory grew by ${growthMib} MiB`]),
  ],
  shed: (row: PhaseRow) => (row['shed/s'] > 0 ? [] : ['nothing was shed: more --beyond']),
};

const share = (row: PhaseRow, capacity: number): number => Number((row['accepted/s'] / capacity).toFixed(2));

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

await runBenchCommand({
  name: 'bench:overload',
  what: `Measures what one real gateway process answers when it is kept busy (capacity), before and after it is offered ten times as
much: as the API server does (a call keeps its seat, follows Retry-After, gives up after 5 s), and without any backing off.
Seats are calls in progress; a call that finds none waits in the API server, or is refused there. An API server has 600 (its
limits of requests in flight), three of them --seats: all that a control plane can send to one gateway.
Target with these, in both ways: goodput of 80 % of capacity or more, p99 of accepted calls (retries included) below half the
timeout, every call answered in time with 200 or 503, memory flat and below the pod's limit.
--beyond is more than three API servers can send, so that much must be shed. Calls that back off: goodput of 80 % as well, and
nothing but 200, 503 or no answer in time, which some have that were told to wait. Without backing off it is a figure.`,
  options: {
    seconds: { default: 20, what: 'length of each phase' },
    times: { default: 10, what: 'how much more than the capacity is offered' },
    seats: { default: 1_800, what: 'calls in progress at most' },
    beyond: { default: 4_000, what: 'the same, more than API servers have' },
  },
  run: async ({ seconds, times, seats, beyond }, _flags, say) => {
    const program = await buildGoClient('overload');
    const body = await readFile(join(import.meta.dirname, '../../test/golden/review-12k.json'), 'utf8');
    const request = requestText({ path: `${webhookPath}?timeout=${timeoutMs / 1_000}s`, body });
    const gateway = await startGatewayProcess();
    try {
      const run = overloadPhases({ program, gateway, request, timeoutMs, say });
      const capacityPhase = (name: string): Phase => ({ name, seats: capacitySeats, seconds });
      await run({ ...capacityPhase('warm-up'), seconds: Math.min(5, seconds) });
      const before = await run(capacityPhase('capacity before'));
      const perSecond = before['accepted/s'] * times;
      const overload = (name: string, seated: number, backsOff: boolean) =>
        run({ name, seats: seated, perSecond, backsOff, seconds });
      const backingOff = await overload('backing off', seats, true);
      const open = await overload('open loop', seats, false);
      const between = await run(capacityPhase('capacity between'));
      const beyondBackingOff = await overload('backing off, beyond', beyond, true);
      const beyondOpen = await overload('open loop, beyond', beyond, false);
      const after = await run(capacityPhase('capacity after'));

      const capacity = mean([before, between, after].map((row) => row['accepted/s']));
      const { goodput, calls, inTime, answers, memory, shed } = faults;
      const judged = [
        { row: backingOff, asked: [goodput, calls, inTime, answers, memory] },
        { row: open, asked: [goodput, calls, inTime, answers, memory] },
        { row: beyondBackingOff, asked: [goodput, answers, memory, shed] },
      ];
      const missed = judged.flatMap(({ row, asked }) =>
        asked.flatMap((fault) => fault(row, capacity)).map((text) => `${row.name}: ${text}`),
      );
      const overloads = [backingOff, open, beyondBackingOff, beyondOpen];
      const figures = {
        capacity: `${Math.round(capacity)}/s`,
        ...Object.fromEntries(
          overloads.map((row) => [`goodput / capacity, ${row.name}`, share(row, capacity)]),
        ),
        'memory MiB, before': before.peakMib,
        'memory MiB, most': Math.max(...overloads.map(({ peakMib }) => peakMib)),
        'shed, by the gateway': await gateway.metric('latchkey_requests_shed_total'),
      };
      const rows = [before, backingOff, open, between, beyondBackingOff, beyondOpen, after];
      return { figures, tables: { phases: rows }, missed };
    } finally {
      await gateway.stop();
    }
  },
});
