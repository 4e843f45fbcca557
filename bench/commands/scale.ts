import { runBenchCommand } from '#bench/bench-command.ts';
import { measureScale, mostAddedMiB, mostTurnMs } from '#bench/scale/measure-scale.ts';

/** CPU time that a cold fill may take, ms for each entry. */
const mostFillMs = 0.05;
/** How much longer a look-up may take than among 100 entries. */
const mostSlowdown = 4;

await runBenchCommand({
  name: 'bench:scale',
  what: `What rules by the hundred thousand cost a gateway, two keys each, on a real nats-server: a cold fill, the audit that
reads everything again, one change; discovery's snapshot of them, a gateway that starts from it, and their publisher. No turn
of an event loop may take over ${mostTurnMs} ms of CPU time, the rules may add ${mostAddedMiB} MiB,
a cold fill may take ${mostFillMs} ms of CPU time an entry, and a look-up ${mostSlowdown} times as long as among 100 entries.`,
  options: {
    entries: { default: 100_000, what: 'entries of a manager' },
    audits: { default: 3, what: 'times that everything is read again' },
    changes: { default: 20, what: 'changes of one entry' },
  },
  run: async ({ entries, audits, changes }, _flags, say) => {
    const few = await measureScale({ entries: 100, audits: 1, changes: 1 }, () => undefined);
    const found = await measureScale({ entries, audits, changes }, say);
    const slowdown = found.lookupNs / few.lookupNs;
    const turns = [
      ['the cold fill', found.fillTurnCpuMs],
      ['an audit', found.auditTurnCpuMs],
      ['a change', found.changeTurnCpuMs],
      ['packing a snapshot', found.packTurnCpuMs],
      ['a start from a snapshot', found.startTurnCpuMs],
      ['publishing', found.publishTurnCpuMs],
      ["a publisher's audit", found.publisherAuditTurnCpuMs],
    ] as const;
    const mostMs = mostFillMs * entries;
    return {
      figures: { ...found, lookupNsOf100: few.lookupNs },
      missed: [
        ...turns.filter(([, ms]) => ms > mostTurnMs).map(([what, ms]) => `${what} took ${ms} ms in one turn`),
        ...(found.addedMiB > mostAddedMiB ? [`the rules added ${found.addedMiB} MiB`] : []),
        ...(found.fillCpuMs > mostMs ? [`the cold fill took ${found.fillCpuMs} ms of CPU time`] : []),
        ...(slowdown > mostSlowdown ? [`a look-up takes ${slowdown.toFixed(1)} times as long`] : []),
      ],
    };
  },
});
