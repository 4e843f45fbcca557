import { runBenchCommand } from '#bench/bench-command.ts';
import { measureFanOut } from '#bench/fan-out/measure-fan-out.ts';

/** Longest time in which 99 of 100 gateways have a change, ms. */
const mostMs = 25;

await runBenchCommand({
  name: 'bench:fan-out',
  what: `How soon one change is in force at 10, at 100 and at 1,000 gateways: a resolver's publisher, a real nats-server, and
followers as gateways have them, each with a connection of its own, all in one process. So the time of the last is also
that process's time for all of them, which real gateways take side by side.
Target: with 100 followers, 99 of 100 have a change within ${mostMs} ms.`,
  options: {
    entries: { default: 1_000, what: 'entries of the set' },
    changes: { default: 50, what: 'changes of one entry, for each number of followers' },
    followers: { default: 1_000, what: 'followers at most; the steps are 1, 10, 100 and 1,000' },
  },
  run: async ({ entries, changes, followers }, _flags, say) => {
    const steps = [1, 10, 100, 1_000].filter((step) => step <= followers);
    const rows = await measureFanOut({ entries, changes, followers: steps }, say);
    const hundred = rows.find((row) => row.followers === 100);
    const isMissed = hundred !== undefined && hundred['p99 ms'] > mostMs;
    return {
      figures: { entries, changes },
      tables: { 'From the wish to the set in force': rows },
      missed: isMissed ? [`with 100 followers p99 is ${hundred['p99 ms']} ms`] : [],
    };
  },
});
