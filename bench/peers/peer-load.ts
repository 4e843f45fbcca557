import { runGoClient } from '#bench/go-client.ts';
import { usageOfAll } from '#bench/process-usage.ts';
import { requestText } from '#testkit/gateway/wire-request.ts';
import type { PeerBody } from './peer-bodies.ts';
import type { PeerRound } from './peer-rows.ts';
import type { PeerServer } from './peer-server.ts';

/** What tools/peers prints; there the fields are described. */
interface LoadResult {
  seconds: number;
  answered: number;
  shed: number;
  refused: number;
  unpatched: number;
  broken: number;
  firstFail: string;
  p50Ms: number;
  p99Ms: number;
  cpuSeconds: number;
}

/** The load of one server for a time. */
export interface PeerLoad {
  body: PeerBody;
  connections: number;
  seconds: number;
  round: number;
}

/** Keeps a server busy for a while. `wrong` says which answers were not those wanted. */
export async function loadPeer(
  program: string,
  server: PeerServer,
  { body, connections, seconds, round }: PeerLoad,
): Promise<{ row: PeerRound; wrong: string[] }> {
  const { name, url, ca, pids, reviewOf = (review: string) => review } = server;
  const { host, hostname, pathname, search } = new URL(url);
  const path = `${pathname}${search}`;
  const requests = body.reviews.map((review) =>
    requestText({ path, headers: { host }, body: reviewOf(review) }),
  );
  const plan = {
    address: addressOf(url),
    serverName: hostname,
    ca: ca ?? '',
    requests,
    connections,
    seconds,
  };
  const usage = pids === undefined ? undefined : usageOfAll(pids);
  let before: Promise<number> | undefined;
  // Handshakes are a load of their own.
  const onMessage = (): void => {
    before = usage?.cpuSeconds();
  };
  const result = await runGoClient<LoadResult>(program, plan, { env: { GOMAXPROCS: '1' }, onMessage });
  const used = usage && before && (await usage.cpuSeconds()) - (await before);
  const residentMib = await usage?.residentMib();
  const row: PeerRound = {
    ...{ body: body.name, connections, server: name, round },
    shed: result.shed,
    perSecond: result.answered / result.seconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    clientShare: Number((result.cpuSeconds / result.seconds).toFixed(2)),
    ...(used === undefined ? {} : { cpuMs: (used * 1_000) / result.answered }),
    ...(residentMib === undefined ? {} : { residentMib }),
  };
  const where = `${name}, ${body.name}, ${connections} connections`;
  return { row, wrong: wrongOf(result).map((text) => `${where}: ${text}`) };
}

/** Name or address and port of a URL of `https`. */
export function addressOf(url: string): string {
  const { hostname, port } = new URL(url);
  return `${hostname}:${port === '' ? 443 : port}`;
}

/** What was wrong with the answers, one sentence each. */
export const wrongOf = ({ answered, refused, unpatched, broken, firstFail }: LoadResult): string[] => [
  ...(answered > 0 ? [] : ['nothing was answered']),
  ...(refused === 0 ? [] : [`${refused} answers had another status than 200`]),
  ...(unpatched === 0 ? [] : [`${unpatched} answers had no patch`]),
  ...(broken === 0 ? [] : [`${broken} connections broke: ${firstFail}`]),
];
