import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { webhookPath } from '#shared/contracts/webhook-path.ts';
import { requestText } from '#test/wire-client.ts';
import { buildGoClient, runGoClient } from './go-client.ts';
import { runBench } from './load/bench-command.ts';
import { type GatewayProcess, startGatewayProcess } from './overload/gateway-process.ts';

const windowSeconds = 4;
/** The kernel completes a connection before the server takes it: time to take them all, ms. What is measured is holding. */
const settleMs = 500;
const mostLifetimeMs = 10_000;
const mostRatio = 1.5;
/** Files that a process needs besides its sockets. */
const spareFiles = 500;

type Lifetimes = readonly { kind: string; count: number; maxMs: number }[];

/** @throws Error that says what to do when so many sockets cannot be opened */
async function requireOpenFiles(sockets: number): Promise<void> {
  const limits = await readFile('/proc/self/limits', 'utf8');
  const most = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  if (most >= sockets + spareFiles) return;
  throw new Error(
    `${sockets} sockets need ${sockets + spareFiles} open files, and the limit is ${most}: run \`ulimit -n ${sockets + spareFiles}\` first, or give a smaller --sockets`,
  );
}

/** Opens the hostile sockets in a process of their own; calls `whileOpen` when all are open; gives their lifetimes. */
async function withHostileSockets(
  port: number,
  count: number,
  whileOpen: () => Promise<void>,
): Promise<Lifetimes> {
  const program = join(import.meta.dirname, 'slow-sockets/hostile-clients.ts');
  const child = spawn(process.execPath, [program, `${port}`, `${count}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  if ((await lines.next()).value !== 'open') throw new Error('the hostile sockets could not be opened');
  await whileOpen();
  return JSON.parse((await lines.next()).value ?? '[]');
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** p99 of good traffic for a few seconds, ms. */
async function goodP99Ms(program: string, gateway: GatewayProcess, rate: number): Promise<number> {
  const body = await readFile(join(import.meta.dirname, '../test/golden/review-12k.json'), 'utf8');
  const plan = {
    address: `127.0.0.1:${gateway.webhookPort}`,
    request: requestText({ path: `${webhookPath}?timeout=5s`, body }),
    seats: 16,
    perSecond: rate,
    backsOff: false,
    seconds: windowSeconds,
    timeoutMs: 5_000,
  };
  const { p99Ms } = await runGoClient<{ p99Ms: number }>(program, plan, { env: { GOMAXPROCS: '1' } });
  return p99Ms;
}

await runBench({
  name: 'bench:slow-sockets',
  what: `Opens sockets that say nothing, drip a hello, a header or a body, or are half-closed, and measures good traffic with and
without them, in turns. Target: p99 with them within 1.5x of that without (medians), each of them closed within 10 s.`,
  options: {
    sockets: { default: 5_000, what: 'hostile sockets' },
    rounds: { default: 5, what: 'turns' },
    rate: { default: 100, what: 'good requests a second' },
  },
  run: async ({ sockets, rounds, rate }, _flags, say) => {
    await requireOpenFiles(sockets);
    const program = await buildGoClient('overload');
    const gateway = await startGatewayProcess();
    const turns: { without: number; with: number; openFiles: number; residentMib: number }[] = [];
    const lifetimes: Record<string, number> = {};
    try {
      await goodP99Ms(program, gateway, rate);
      for (let round = 1; round <= rounds; round += 1) {
        const turn = {
          without: await goodP99Ms(program, gateway, rate),
          with: 0,
          openFiles: 0,
          residentMib: 0,
        };
        const ended = await withHostileSockets(gateway.webhookPort, sockets, async () => {
          await delay(settleMs);
          turn.openFiles = await gateway.openFiles();
          turn.residentMib = await gateway.residentMib();
          turn.with = await goodP99Ms(program, gateway, rate);
        });
        for (const { kind, maxMs } of ended)
          lifetimes[kind] = Math.round(Math.max(maxMs, lifetimes[kind] ?? 0));
        turns.push(turn);
        say(
          `round ${round}: p99 ${turn.without.toFixed(1)} ms without, ${turn.with.toFixed(1)} ms with ${turn.openFiles} open files`,
        );
      }
      const ratio = median(turns.map((turn) => turn.with)) / median(turns.map(({ without }) => without));
      const longestMs = Math.max(...Object.values(lifetimes));
      const missed = [
        ...(ratio <= mostRatio ? [] : [`p99 with hostile sockets is ${ratio.toFixed(2)}x of that without`]),
        ...(longestMs <= mostLifetimeMs ? [] : [`a hostile socket lived for ${longestMs} ms`]),
      ];
      const figures = {
        'p99 with / without': Number(ratio.toFixed(2)),
        'longest life ms': longestMs,
        ...lifetimes,
      };
      return { figures, tables: { turns }, missed };
    } finally {
      await gateway.stop();
    }
  },
});
