import process from 'node:process';
import { type HostileKind, hostileKinds, openHostileSocket } from './hostile-socket.ts';

/**
 * A process of its own that opens so many hostile connections: `node hostile-clients.ts <port> <count>`. Prints a line
 * when all are open, and then the lifetimes by kind, ms, as JSON.
 */
const [port = 0, count = 0] = process.argv.slice(2).map(Number);
const openingAtOnce = 16;
const lifetimes = new Map<HostileKind, Promise<number>[]>(hostileKinds.map((kind) => [kind, []]));

const mix: readonly HostileKind[] = [...hostileKinds, ...Array<HostileKind>(6).fill('no hello')];
const kinds = Array.from({ length: count }, (_, index) => mix[index % mix.length] ?? 'no hello');
// Half of them cost no handshake and come last: all should be there at the same time.
kinds.sort((a, b) => hostileKinds.indexOf(b) - hostileKinds.indexOf(a));
const queue = kinds.values();
const openThem = async (): Promise<void> => {
  for (const kind of queue) lifetimes.get(kind)?.push((await openHostileSocket(port, kind)).lifetimeMs);
};
await Promise.all(Array.from({ length: openingAtOnce }, openThem));
process.stdout.write('open\n');
const longest = await Promise.all(
  Array.from(lifetimes, async ([kind, all]) => ({
    kind,
    count: all.length,
    maxMs: Math.max(...(await Promise.all(all))),
  })),
);
process.stdout.write(`${JSON.stringify(longest)}\n`);
