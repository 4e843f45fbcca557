import type { Server } from 'node:https';
import { runBenchCommand } from '#bench/bench-command.ts';
import { buildGoClient, runGoClient } from '#bench/go-client.ts';
import type { RestedPosts, RestedPostsPlan } from '#bench/keep-alive/rested-posts.ts';
import { webhookPath } from '#shared/contracts/kubernetes/webhook-path.ts';
import { listenWebhook } from '#testkit/gateway/listening-webhook.ts';

/** One way, ms: two zones of a cloud are about that far apart, and a race needs time to show. */
const oneWayMs = 1;
const body = JSON.stringify({ note: 'x'.repeat(8_000) });
/** Go's own limit of an idle connection, s. */
const clientIdleS = 90;
/** Node keeps a connection for so much longer than `keepAliveTimeout`. */
const nodeBufferMs = 1_000;
/** Time for the first requests of an experiment whose second ones have a common moment, ms. */
const preparationMs = 4_000;

const spread = (fromMs: number, toMs: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => fromMs + ((toMs - fromMs) * index) / Math.max(1, count - 1));

/** Every second request has exactly one outcome. */
const miscounted = (
  name: string,
  { pairs, reused, fresh, toldToRepeat, refused, lost }: RestedPosts,
): string[] =>
  reused + fresh + toldToRepeat + refused + lost === pairs
    ? []
    : [`${name}: the outcomes do not add up to ${pairs} pairs`];

/** A server that goes on serving answers all with 200; one that stops may tell a client to repeat, but listens still. */
const unanswered = (name: string, { toldToRepeat, refused }: RestedPosts): string[] => [
  ...(refused === 0 ? [] : [`${name}: ${refused} requests were refused`]),
  ...(name !== 'sweep' || toldToRepeat === 0
    ? []
    : [`${name}: ${toldToRepeat} requests were told to repeat`]),
];

type Https = Server & { keepAliveTimeout: number };

/** A webhook server of its own for an experiment: the answer does not matter here. */
async function withServer<T>(
  use: (server: Awaited<ReturnType<typeof listenWebhook>>, url: string) => Promise<T>,
): Promise<T> {
  const webhook = await listenWebhook(() => ({ status: 200, json: '{}' }));
  try {
    return await use(webhook, `https://127.0.0.1:${webhook.port}${webhookPath}?timeout=10s`);
  } finally {
    await webhook.server.close();
  }
}

const post = (program: string, plan: RestedPostsPlan): Promise<RestedPosts> => runGoClient(program, plan);

/** Second requests after rests from one time to another, against the gateway's server or one that keeps for less long. */
const sweep = (program: string, rests: number[], keepAliveMs?: number): Promise<RestedPosts> =>
  withServer(({ server }, url) => {
    if (keepAliveMs !== undefined) (server.app.server as Https).keepAliveTimeout = keepAliveMs;
    return post(program, { url, body, restsMs: rests, oneWayMs });
  });

/** Second requests in the moment in which the server ends its idle connections: with a closing response, or by a bare close. */
const race = (program: string, pairs: number, how: 'closing response' | 'close'): Promise<RestedPosts> =>
  withServer(async ({ server }, url) => {
    const fromMs = Date.now() + preparationMs;
    setTimeout(() => {
      if (how === 'close') (server.app.server as Https).closeIdleConnections();
      else {
        server.connections.drain();
        server.connections.endIdle(0);
      }
    }, preparationMs);
    return await post(program, { url, body, restsMs: spread(-10, 40, pairs), fromMs, oneWayMs });
  });

await runBenchCommand({
  name: 'bench:keep-alive',
  what: `Go's net/http, configured as in the API server, posts again on a connection that has rested for 80 to 130 s (its own
idle limit is 90 s, the gateway's 120 s), and in the very moment in which a stopping gateway ends its idle connections.
Target: no second request is lost. The same with a keep-alive of 5 s, and with a bare close, must lose some: so the
measurement can see it.`,
  options: {
    transports: { default: 601, what: 'connections of the sweep, each with its own rest' },
    'from-s': { default: 80, what: 'shortest rest' },
    'to-s': { default: 130, what: 'longest rest' },
    race: { default: 400, what: 'connections of each race' },
    rounds: { default: 5, what: 'rounds of the races' },
  },
  run: async (options, _flags, say) => {
    const program = await buildGoClient('keep-alive');
    const rows: Record<string, RestedPosts> = {};
    const note = (name: string, posts: RestedPosts): void => {
      rows[name] = posts;
      say(`${name}: ${posts.lost} of ${posts.pairs} lost`);
    };
    for (let round = 1; round <= options.rounds; round += 1) {
      note(`closing response ${round}`, await race(program, options.race, 'closing response'));
      note(`bare close ${round}`, await race(program, options.race, 'close'));
    }
    const controlMs = 5_000 + nodeBufferMs;
    note('keep-alive 5 s', await sweep(program, spread(controlMs - 20, controlMs + 20, 400), 5_000));
    say(`sweep of ${options['from-s']} to ${options['to-s']} s begins`);
    const rests = spread(options['from-s'] * 1_000, options['to-s'] * 1_000, options.transports);
    note('sweep', await sweep(program, rests));

    const lostIn = (prefix: string): number =>
      Object.entries(rows).reduce((sum, [name, { lost }]) => sum + (name.startsWith(prefix) ? lost : 0), 0);
    const missed = [
      ...Object.entries(rows).flatMap(([name, posts]) => miscounted(name, posts)),
      ...Object.entries(rows).flatMap(([name, posts]) => unanswered(name, posts)),
      options['from-s'] >= clientIdleS || (rows.sweep?.reused ?? 0) > 0
        ? []
        : ['no connection of the sweep was reused: nothing was tried'],
      lostIn('sweep') === 0 ? [] : ['the sweep lost requests'],
      lostIn('closing response') === 0 ? [] : ['a stopping gateway lost requests'],
      lostIn('keep-alive 5 s') > 0 ? [] : ['the keep-alive of 5 s lost none: the measurement cannot see it'],
      lostIn('bare close') > 0 ? [] : ['the bare close lost none: the measurement cannot see it'],
    ].flat();
    const tables = {
      'second requests': Object.entries(rows).map(([name, { failures, ...counts }]) => ({ name, ...counts })),
      'first failures': Object.entries(rows).flatMap(([name, { failures }]) =>
        failures.slice(0, 2).map(({ restMs, why }) => ({ name, restMs: Number(restMs.toFixed(2)), why })),
      ),
    };
    return { figures: { lost: lostIn('sweep') + lostIn('closing response') }, tables, missed };
  },
});
