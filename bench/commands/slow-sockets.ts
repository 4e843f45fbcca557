import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { runBenchCommand } from '#bench/bench-command.ts';
import { buildGoClient } from '#bench/go-client.ts';
import { type GoodTraffic, goodTraffic, median } from '#bench/good-traffic.ts';
import { startGatewayProcess } from '#bench/overload/gateway-process.ts';
import type { HostileClientLives } from '#bench/slow-sockets/hostile-clients.ts';

/** The kernel completes a connection before the server takes it: time to take them all, ms. What is measured is holding. */
const settleMs = 500;
const mostLifetimeMs = 10_000;
const mostRatio = 1.5;
/** Files that a process needs besides its sockets. */
const spareFiles = 500;

/** Of the sockets, when the window begins; of the good requests, in each window. */
const leastShare = 0.95;

interface Turn {
  without: GoodTraffic;
  with: GoodTraffic;
  openSockets: number;
  openFiles: number;
  residentMib: number;
}

/** @throws Error that says what to do when so many sockets cannot be opened */
async function requireOpenFiles(sockets: number): Promise<void> {
  const limits = await readFile('/proc/self/limits', 'utf8');
  const most = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  if (most >= sockets + spareFiles) return;
  throw new Error(
    `${sockets} sockets need ${sockets + spareFiles} open files, and the limit is ${most}: run \`ulimit -n ${sockets + spareFiles}\` first, or give a smaller --sockets`,
  );
}

/** Opens the hostile sockets in a process of their own; calls `whileOpen` with how many are open; gives their lives. */
async function withHostileSockets(
  port: number,
  count: number,
  whileOpen: (openSockets: number) => Promise<void>,
): Promise<readonly HostileClientLives[]> {
  const program = join(import.meta.dirname, '../slow-sockets/hostile-clients.ts');
  const child = spawn(process.execPath, [program, `${port}`, `${count}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error('the hostile clients have ended before they told what became of them');
    return value;
  };
  await whileOpen(Number(await nextLine()));
  return JSON.parse(await nextLine());
}

/** What is wrong with a turn: then its times say nothing. */
function faultsOf(turn: Turn): string[] {
  return (['without', 'with'] as const).flatMap((name) => {
    const { offered, accepted, shed, timedOut, failed } = turn[name];
    const lost = shed + timedOut + failed;
    return [
      ...(lost === 0 ? [] : [`${name} hostile sockets ${lost} good requests were lost`]),
      ...(accepted >= leastShare * offered
        ? []
        : [`${name} hostile sockets ${accepted} of ${offered} good requests were accepted`]),
    ];
  });
}

/** A half-closed connection is closed at once, as it should be; the others must be there when the window begins. */
function earlyFaults(lives: readonly HostileClientLives[]): string[] {
  const staying = lives.filter(({ kind }) => kind !== 'half-closed');
  const sum = (name: 'count' | 'early'): number => staying.reduce((total, life) => total + life[name], 0);
  return sum('early') <= (1 - leastShare) * sum('count')
    ? []
    : [`${sum('early')} of ${sum('count')} hostile sockets were closed before the window began`];
}

const lifeFaults = ({ kind, open, maxMs }: HostileClientLives): string[] => [
  ...(open === 0 ? [] : [`${open} sockets (${kind}) were still open when the watch ended`]),
  ...(maxMs <= mostLifetimeMs ? [] : [`a socket (${kind}) lived for ${Math.round(maxMs)} ms`]),
];

await runBenchCommand({
  name: 'bench:slow-sockets',
  what: `Opens sockets that say nothing, or drip a hello, a header or a body, and half-closed ones besides, which are closed at
once, and measures good traffic with and without them, in turns. Target: p99 with them within 1.5x of that without (medians),
no good request lost, each of them closed within 10 s. Sockets that are closed before the last is open are counted as early;
95 % must be open when the window begins. The window cannot be longer than the sockets live: with fewer requests in it than
1,000, p99 would be the luck of the worst few.`,
  options: {
    sockets: { default: 5_000, what: 'hostile sockets that stay' },
    rounds: { default: 5, what: 'turns' },
    rate: { default: 250, what: 'good requests a second' },
  },
  run: async ({ sockets, rounds, rate }, _flags, say) => {
    await requireOpenFiles(sockets);
    const program = await buildGoClient('overload');
    const gateway = await startGatewayProcess();
    const turns: Turn[] = [];
    const lives: HostileClientLives[] = [];
    const early: string[] = [];
    try {
      await goodTraffic(program, gateway, rate);
      for (let round = 1; round <= rounds; round += 1) {
        const without = await goodTraffic(program, gateway, rate);
        const ended = await withHostileSockets(gateway.webhookPort, sockets, async (openSockets) => {
          await delay(settleMs);
          const [openFiles, residentMib] = [await gateway.openFiles(), await gateway.residentMib()];
          const good = await goodTraffic(program, gateway, rate);
          turns.push({ without, with: good, openSockets, openFiles, residentMib });
          say(
            `round ${round}: p99 ${without.p99Ms.toFixed(1)} ms without, ${good.p99Ms.toFixed(1)} ms with ${openSockets} sockets`,
          );
        });
        lives.push(...ended);
        early.push(...earlyFaults(ended));
      }
      const p99Of = (name: 'without' | 'with'): number => median(turns.map((turn) => turn[name].p99Ms));
      const ratio = p99Of('with') / p99Of('without');
      const missed = [
        ...(ratio <= mostRatio ? [] : [`p99 with hostile sockets is ${ratio.toFixed(2)}x of that without`]),
        ...turns.flatMap(faultsOf),
        ...early,
        ...lives.flatMap(lifeFaults),
      ];
      const figures = {
        'p99 with / without': Number(ratio.toFixed(2)),
        'p99 ms, without': p99Of('without'),
        'p99 ms, with': p99Of('with'),
        'open sockets, least': Math.min(...turns.map(({ openSockets }) => openSockets)),
        'longest life ms': Math.round(Math.max(...lives.map(({ maxMs }) => maxMs))),
      };
      const rows = turns.map((turn) => ({
        ...turn,
        without: turn.without.p99Ms,
        with: turn.with.p99Ms,
      }));
      return { figures, tables: { turns: rows, lives }, missed };
    } finally {
      await gateway.stop();
    }
  },
});
