import type { Socket } from 'node:net';

/** Connections that may wait for a worker, as many as may be in their handshake; then the oldest goes. */
const mostWaiting = 6_144;

/** Longest time until a worker has taken a connection, ms, and as long as the API server waits for an answer by default. */
const takeMs = 5_000;

/** Hands a connection to a worker, which answers with `took` unless it ends before. */
type Hand = (id: number, socket: Socket, waiting: number) => void;

/** A connection that no worker has taken yet. */
interface Waiting {
  socket: Socket;
  sinceMs: number;
}

/** One that is on its way to a worker. */
interface Pending extends Waiting {
  id: number;
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
  /** The longest waiting first. */
  #waiting: Waiting[] = [];
  #ids = 0;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  accept(socket: Socket): void {
    this.#waiting.push({ socket, sinceMs: this.#monotonicMs() });
    if (this.#waiting.length > mostWaiting) this.#waiting.shift()?.socket.destroy();
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
    if (pending !== undefined) this.#waiting.unshift(pending);
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

  /** Ends connections that nobody has taken in time. One on its way may still be taken: no other worker can have it. */
  endLate(): void {
    for (let [first] = this.#waiting; first !== undefined && this.#isLate(first); [first] = this.#waiting) {
      this.#waiting.shift();
      first.socket.destroy();
    }
    for (const [worker, { pending }] of this.#takers) {
      if (pending === undefined || !this.#isLate(pending)) continue;
      const socket = this.#settle(worker, pending.id);
      // Closing this copy would not do: what is on its way to the worker keeps the connection.
      socket?.end(() => socket.destroy());
    }
  }

  /** Closes what no worker has taken. */
  close(): void {
    for (const worker of this.#takers.keys()) this.remove(worker);
    for (const { socket } of this.#waiting) socket.destroy();
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
      const waiting = this.#waiting.shift();
      if (waiting === undefined || waiting.socket.destroyed) continue;
      const [worker, taker] = chosen;
      this.#takers.delete(worker);
      this.#takers.set(worker, taker);
      this.#ids += 1;
      taker.open += 1;
      taker.pending = { ...waiting, id: this.#ids };
      taker.hand(this.#ids, waiting.socket, this.#waiting.length);
    }
  }

  #isLate({ sinceMs }: Waiting): boolean {
    return this.#monotonicMs() - sinceMs >= takeMs;
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
