import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { type HostileKind, hostileKinds, openHostileSocket } from './hostile-socket.ts';

/** What became of the connections of one kind. */
export interface HostileClientLives {
  kind: HostileKind;
  count: number;
  /** Closed by the server before all were open. */
  early: number;
  /** Not closed within the time that they are watched for. */
  open: number;
  /** The longest life of those that were closed. */
  maxMs: number;
}

/**
 * A process of its own that opens so many hostile connections that stay, and half-closed ones besides, which the server
 * ends at once: `node hostile-clients.ts <port> <count>`. Prints how many of them are open when the last has been opened,
 * and then what became of them (HostileClientLives by kind), as JSON.
 */
const watchedMs = 15_000;
const [port = 0, count = 0] = process.argv.slice(2).map(Number);
const openingAtOnce = 16;
const lifetimes = new Map<HostileKind, Promise<number>[]>(hostileKinds.map((kind) => [kind, []]));

const mix: readonly HostileKind[] = [
  ...hostileKinds.filter((kind) => kind !== 'half-closed'),
  ...Array<HostileKind>(6).fill('no hello'),
];
const kinds = Array.from({ length: count }, (_, index) => mix[index % mix.length] ?? 'no hello');
kinds.push(...Array<HostileKind>(Math.ceil(count / mix.length)).fill('half-closed'));
// Half of them cost no handshake and come last: all should be there at the same time.
kinds.sort((a, b) => hostileKinds.indexOf(b) - hostileKinds.indexOf(a));
const queue = kinds.values();
const openThem = async (): Promise<void> => {
  for (const kind of queue) lifetimes.get(kind)?.push((await openHostileSocket(port, kind)).lifetimeMs);
};
await Promise.all(Array.from({ length: openingAtOnce }, openThem));
const soon = delay(0).then(() => 'open' as const);
const closedEarly = async (all: readonly Promise<number>[]): Promise<number> =>
  (await Promise.all(all.map((life) => Promise.race([life, soon])))).filter((life) => life !== 'open').length;
const early = new Map(
  await Promise.all(Array.from(lifetimes, async ([kind, all]) => [kind, await closedEarly(all)] as const)),
);
const isOpen = kinds.length - Array.from(early.values()).reduce((sum, number) => sum + number, 0);
process.stdout.write(`${isOpen}\n`);
const end = delay(watchedMs).then(() => 'open' as const);
const lives: HostileClientLives[] = await Promise.all(
  Array.from(lifetimes, async ([kind, all]) => {
    const ended = await Promise.all(all.map((life) => Promise.race([life, end])));
    const closed = ended.filter((life) => life !== 'open');
    return {
      kind,
      count: all.length,
      early: early.get(kind) ?? 0,
      open: all.length - closed.length,
      maxMs: Math.max(0, ...closed),
    };
  }),
);
process.stdout.write(`${JSON.stringify(lives)}\n`);
process.exit();
