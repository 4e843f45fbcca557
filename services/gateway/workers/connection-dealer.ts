import type { Socket } from 'node:net';

/** Connections that may wait for a worker, as many as the kernel lets wait for a process by default; then the oldest goes. */
const mostWaiting = 511;

/** Time for a worker to take a connection, ms, as long as the API server waits for an answer by default. */
const takeMs = 5_000;

/** Hands a connection to a worker, which answers with `took` unless it ends before. */
type Hand = (id: number, socket: Socket) => void;

interface Pending {
  id: number;
  socket: Socket;
  sinceMs: number;
}

/** A worker that gets connections. */
interface Taker {
  hand: Hand;
  /** Connections that it has. */
  open: number;
  /** The one that it has not taken yet; it gets no other meanwhile. */
  pending: Pending | undefined;
}

/**
 * Deals accepted connections to workers, each to the one with the fewest: the API server opens few and keeps them. One
 * that no worker has taken stays here, and goes to another when its worker ends.
 */
export class ConnectionDealer {
  readonly #monotonicMs: () => number;
  /** By worker, the one first that got a connection longest ago. */
  readonly #takers = new Map<number, Taker>();
  #waiting: Socket[] = [];
  #ids = 0;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  accept(socket: Socket): void {
    this.#waiting.push(socket);
    if (this.#waiting.length > mostWaiting) this.#waiting.shift()?.destroy();
    this.#deal();
  }

  /** Begins to give connections to a worker. */
  add(worker: number, hand: Hand): void {
    this.#takers.set(worker, { hand, open: 0, pending: undefined });
    this.#deal();
  }

  /** Gives no more to a worker that has ended or will. */
  remove(worker: number): void {
    const pending = this.#takers.get(worker)?.pending;
    this.#takers.delete(worker);
    if (pending !== undefined) this.#waiting.unshift(pending.socket);
    this.#deal();
  }

  /** Lets go of a connection that the worker has: closing this copy leaves its own alone. */
  took(worker: number, id: number): void {
    this.#settle(worker, id)?.destroy();
  }

  ended(worker: number, connections: number): void {
    const taker = this.#takers.get(worker);
    if (taker !== undefined) taker.open -= connections;
  }

  /** Ends connections that a worker has not taken in time. It may still take them: no other worker can have them. */
  endLate(): void {
    for (const [worker, { pending }] of this.#takers) {
      if (pending === undefined || this.#monotonicMs() - pending.sinceMs < takeMs) continue;
      const socket = this.#settle(worker, pending.id);
      // Closing this copy would not do: what is on its way to the worker keeps the connection.
      socket?.end(() => socket.destroy());
    }
  }

  /** Closes what no worker has taken. */
  close(): void {
    for (const worker of this.#takers.keys()) this.remove(worker);
    for (const socket of this.#waiting) socket.destroy();
    this.#waiting = [];
  }

  #settle(worker: number, id: number): Socket | undefined {
    const taker = this.#takers.get(worker);
    if (taker?.pending?.id !== id) return undefined;
    const { socket } = taker.pending;
    taker.pending = undefined;
    this.#deal();
    return socket;
  }

  #deal(): void {
    while (this.#waiting.length > 0) {
      const chosen = this.#fewest();
      if (chosen === undefined) return;
      const socket = this.#waiting.shift();
      if (socket === undefined || socket.destroyed) continue;
      const [worker, taker] = chosen;
      this.#takers.delete(worker);
      this.#takers.set(worker, taker);
      this.#ids += 1;
      taker.open += 1;
      taker.pending = { id: this.#ids, socket, sinceMs: this.#monotonicMs() };
      taker.hand(this.#ids, socket);
    }
  }

  #fewest(): [number, Taker] | undefined {
    let chosen: [number, Taker] | undefined;
    for (const [worker, taker] of this.#takers) {
      if (taker.pending !== undefined) continue;
      if (chosen === undefined || taker.open < chosen[1].open) chosen = [worker, taker];
    }
    return chosen;
  }
}
