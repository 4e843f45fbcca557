import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { runBenchCommand } from '#bench/bench-command.ts';
import { buildGoClient } from '#bench/go-client.ts';
import { type GoodTraffic, goodTraffic, median } from '#bench/good-traffic.ts';
import { startGatewayProcess } from '#bench/overload/gateway-process.ts';

const mostRatio = 2;

interface Turn {
  without: GoodTraffic;
  with: GoodTraffic;
  residentMib: number;
}

/** Attacks the health port with a process of its own while `whileAttacked` runs. */
async function withAttack(
  port: number,
  connections: number,
  whileAttacked: () => Promise<void>,
): Promise<void> {
  const program = join(import.meta.dirname, '../health-port/hostile-readers.ts');
  const child = spawn(process.execPath, [program, `${port}`, `${connections}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  try {
    await once(child.stdout, 'data');
    await whileAttacked();
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}

const lostOf = ({ shed, timedOut, failed }: GoodTraffic): number => shed + timedOut + failed;

await runBenchCommand({
  name: 'bench:health-port',
  what: `Attacks a gateway's health port with connections that send thousands of requests for metrics at once and read none of the
answers, and with requests that never end, each opened again when it is closed, and measures admissions with and without the
attack, in turns. Target: p99 with it within 2x of that without (medians), and no good request lost.`,
  options: {
    connections: { default: 60, what: 'hostile connections' },
    rounds: { default: 5, what: 'turns' },
    rate: { default: 250, what: 'good requests a second' },
  },
  run: async ({ connections, rounds, rate }, _flags, say) => {
    const program = await buildGoClient('overload');
    const gateway = await startGatewayProcess();
    const turns: Turn[] = [];
    try {
      await goodTraffic(program, gateway, rate);
      for (let round = 1; round <= rounds; round += 1) {
        const without = await goodTraffic(program, gateway, rate);
        await withAttack(gateway.healthPort, connections, async () => {
          const good = await goodTraffic(program, gateway, rate);
          turns.push({ without, with: good, residentMib: await gateway.residentMib() });
          say(`round ${round}: p99 ${without.p99Ms.toFixed(1)} ms without, ${good.p99Ms.toFixed(1)} ms with`);
        });
      }
      const p99Of = (name: 'without' | 'with'): number => median(turns.map((turn) => turn[name].p99Ms));
      const ratio = p99Of('with') / p99Of('without');
      const lost = turns.reduce((sum, turn) => sum + lostOf(turn.with), 0);
      const figures = {
        'p99 with / without': Number(ratio.toFixed(2)),
        'p99 ms, without': p99Of('without'),
        'p99 ms, with': p99Of('with'),
        'memory MiB, most': Math.max(...turns.map(({ residentMib }) => residentMib)),
      };
      const missed = [
        ...(ratio <= mostRatio ? [] : [`p99 with the attack is ${ratio.toFixed(2)}x of that without`]),
        ...(lost === 0 ? [] : [`${lost} good requests were lost during the attack`]),
      ];
      const rows = turns.map((turn) => ({ ...turn, without: turn.without.p99Ms, with: turn.with.p99Ms }));
      return { figures, tables: { turns: rows }, missed };
    } finally {
      await gateway.stop();
    }
  },
});
