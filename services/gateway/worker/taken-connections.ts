import type { Socket } from 'node:net';
import type { ToPrimary } from '../workers/to-primary.ts';

interface TakenOptions {
  /** Connections above which a new one is closed. */
  most: number;
  take: (socket: Socket) => void;
  send: (message: ToPrimary) => void;
}

/** Takes the connections that the primary deals, and tells it of those that have ended. */
export class TakenConnections {
  readonly #options: TakenOptions;
  #open = 0;
  #ended = 0;
  #isLeaving = false;
  #othersWait = false;

  constructor(options: TakenOptions) {
    this.#options = options;
  }

  /** @param socket undefined when its caller had left before it arrived */
  take(id: number, socket: Socket | undefined, waiting: number): void {
    this.#othersWait = waiting > 0;
    const { most, take, send } = this.#options;
    if (this.#isLeaving) {
      // The primary gives it to another as soon as it hears that this worker leaves.
      socket?.destroy();
      return;
    }
    send({ kind: 'took', id });
    this.#open += 1;
    if (socket === undefined) {
      this.#onEnd();
      return;
    }
    socket.once('close', () => this.#onEnd());
    if (this.#open > most) socket.destroy();
    else take(socket);
  }

  /** Tells, once for each connection that came, whether others waited behind it. */
  othersWait(): boolean {
    const othersWait = this.#othersWait;
    this.#othersWait = false;
    return othersWait;
  }

  /** Takes no more. */
  leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#options.send({ kind: 'leaving' });
  }

  /** Tells of all that end in one turn together. */
  #onEnd(): void {
    this.#open -= 1;
    this.#ended += 1;
    if (this.#ended > 1) return;
    setImmediate(() => {
      this.#options.send({ kind: 'ended', connections: this.#ended });
      this.#ended = 0;
    });
  }
}
