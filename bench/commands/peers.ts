import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runBenchCommand } from '#bench/bench-command.ts';
import { svgOf } from '#bench/chart/svg-chart.ts';
import { buildGoClient } from '#bench/go-client.ts';
import { askPeer, patchOf } from '#bench/peers/ask-peer.ts';
import { type PeerBody, peerBodies } from '#bench/peers/peer-bodies.ts';
import { peerCharts } from '#bench/peers/peer-chart.ts';
import { loadPeer } from '#bench/peers/peer-load.ts';
import { type PeerRound, peerRows } from '#bench/peers/peer-rows.ts';
import { type PeerServer, startConstantPeer, startGatewayPeer } from '#bench/peers/peer-server.ts';
import { pinProcess } from '#bench/peers/pin-process.ts';
import { startVaultPeer } from '#bench/peers/vault-peer.ts';
import { startProcessGuard } from '#testkit/processes/process-guard.ts';
import { cacheFolder } from '#tools/cache-folder.ts';
import { buildGoProgram } from '#tools/go-program.ts';
import { createProgress } from '#tools/progress.ts';
import { vaultInjector } from '#tools/vault-k8s/vault-injector.ts';

const [clientCore, serverCore] = [0, 1];
const connectionCounts = [16, 64];
const mostOfSample = 20;

/** Webhooks that somebody else runs. */
interface Outside {
  peer?: string;
  ca?: string;
  pid: number;
}

/** What is measured beside the gateway, bare and fastify. */
interface Others extends Outside {
  /** Of a second gateway; 1: there is none. */
  workers: number;
  /** Vault's injector, built. */
  vault?: string;
}

async function outsidePeers({ peer, ca, pid }: Outside): Promise<PeerServer[]> {
  if (peer === undefined) return [];
  const trust = ca === undefined ? {} : { ca: await readFile(ca, 'utf8') };
  const known = pid === 0 ? {} : { pids: [pid] };
  return [{ name: 'peer', url: peer, ...trust, ...known, stop: async () => undefined }];
}

/** Starts all servers for one body, the gateway first: what it answers is the constant answer of the others. */
async function withServers<T>(
  body: PeerBody,
  { vault, workers, ...outside }: Others,
  use: (servers: readonly PeerServer[]) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-peers-'));
  const guard = startProcessGuard(folder);
  const servers: PeerServer[] = [];
  try {
    const gateway = await startGatewayPeer();
    servers.push(gateway);
    if (workers > 1) servers.push(await startGatewayPeer(workers));
    const [review = ''] = body.reviews;
    const patch = patchOf(await askPeer(gateway, review), review);
    servers.push(await startConstantPeer('bare', { patch, review, folder, guard }));
    servers.push(await startConstantPeer('fastify', { patch, review, folder, guard }));
    if (vault !== undefined) servers.push(await startVaultPeer(vault, { review, folder, guard }));
    servers.push(...(await outsidePeers(outside)));
    for (const { pids = [], isSpread } of servers) {
      for (const pid of pids) await pinProcess(pid, isSpread ? [clientCore, serverCore] : [serverCore]);
    }
    return await use(servers);
  } finally {
    for (const server of servers) await server.stop();
    // It removes the folder, too.
    await guard.close();
  }
}

const buildVault = (): Promise<string> =>
  buildGoProgram(vaultInjector, {
    cacheFolder: cacheFolder(process.env),
    env: process.env,
    progress: createProgress(process.stderr),
  });

/** Reads whole answers of a sample of the reviews: each admits its review, with a patch. */
async function checkSample(server: PeerServer, { reviews }: PeerBody): Promise<void> {
  const step = Math.max(1, Math.floor(reviews.length / mostOfSample));
  for (const review of reviews.filter((_, index) => index % step === 0))
    patchOf(await askPeer(server, review), review);
}

/** What every server is asked in turn; round 0 is the warm-up. */
const turnsOf = (rounds: number): { connections: number; round: number }[] => [
  { connections: connectionCounts[0] ?? 1, round: 0 },
  ...connectionCounts.flatMap((connections) =>
    Array.from({ length: rounds }, (_, index) => ({ connections, round: index + 1 })),
  ),
];

await runBenchCommand({
  name: 'bench:peers',
  what: `One real gateway process beside other webhooks: bare (node:https that parses the review and answers with a constant patch, that
of the gateway), fastify (the same with fastify), and any other at --peer (with --peer-pid its CPU time and memory are told too).
A Go client asks on 16 and on 64 connections, TLS, kept alive, each again as soon as it is answered. Every answer must have status
200 and a patch, but for those of an overloaded server that puts a request off (503), which are counted; a sample is read whole. Reviews of 5 KB, of 12 KB and with 50 secrets, the same each time, and 120 with 50
secrets that are all different, so that the gateway remembers no plan. Where taskset and two cores are there, servers run on core ${serverCore}
and all else on core ${clientCore}, but for a gateway with workers, which has both. Rounds are interleaved: each asks every server. Medians [least-most]; ratios are those of one round.
The client's part of a core is told: near 1 it is the client that is measured.
Target: no wrong answer. The times are figures.`,
  options: {
    rounds: { default: 7, what: 'rounds of every server, body and number of connections' },
    seconds: { default: 2, what: 'length of a round' },
    'warm-up': { default: 3, what: 'seconds of each server and body before the first round' },
    workers: { default: 1, what: 'also a gateway with so many workers; 1 = none' },
    'peer-pid': { default: 0, what: 'process of --peer, on this machine; 0 = unknown' },
  },
  flags: {
    vault: "also HashiCorp's injector, built first (minutes); its pods ask for as many secrets of Vault",
  },
  texts: {
    svg: 'file to write charts to',
    peer: 'URL of another webhook',
    ca: 'file with the certificates that it is trusted by; absent: any',
  },
  run: async ({ rounds, seconds, ...options }, flags, say, { svg, peer, ca }) => {
    const program = await buildGoClient('peers');
    const vault = flags.has('vault') ? await buildVault() : undefined;
    const bodies = await peerBodies();
    const { workers } = options;
    const isPinned = await pinProcess(process.pid, [clientCore]);
    const outside = { pid: options['peer-pid'], ...(peer ? { peer } : {}), ...(ca ? { ca } : {}) };
    const others = { ...outside, workers, ...(vault === undefined ? {} : { vault }) };
    const measured: PeerRound[] = [];
    const missed: string[] = [];
    const load = async (server: PeerServer, body: PeerBody, connections: number, round: number) => {
      const warmsUp = round === 0;
      const length = warmsUp ? options['warm-up'] : seconds;
      const { row, wrong } = await loadPeer(program, server, { body, connections, round, seconds: length });
      missed.push(...wrong);
      if (!warmsUp) measured.push(row);
      say(`${body.name}, ${connections}, round ${round}, ${server.name}: ${Math.round(row.perSecond)}/s`);
    };
    for (const body of bodies) {
      await withServers(body, others, async (servers) => {
        for (const server of servers) await checkSample(server, body);
        for (const { connections, round } of turnsOf(rounds))
          for (const server of servers) await load(server, body, connections, round);
      });
    }
    if (svg !== undefined) await writeFile(svg, svgOf(peerCharts(measured)));
    const figures = {
      'servers on a core of their own': isPinned ? 'yes' : 'no',
      answered: Math.round(measured.reduce((sum, { perSecond }) => sum + perSecond * seconds, 0)),
      'client, of a core, at most': Math.max(...measured.map(({ clientShare }) => clientShare)),
    };
    return { figures, tables: { servers: peerRows(measured, 'gateway') }, missed };
  },
});
