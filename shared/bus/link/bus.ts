import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';

/** How long one request to the server may take, ms. Short, because everything here is tried again. */
export const requestTimeoutMs = 1_000;

/** The connection of a process once it stands; the client keeps it alive across every later interruption. */
export interface BusLink {
  nc: NatsConnection;
  js: JetStreamClient;
  jsm: JetStreamManager;
  /** Private prefix of this user's reply subjects. */
  inboxPrefix: string;
}

/** A process's one connection to NATS. It is there at once, connects in the background, and reconnects for ever. */
export interface Bus {
  /** True while the connection stands, as far as this process knows (a partition shows after 9 s at most). */
  connected(): boolean;
  /** The link, from the first connection on. */
  link(): BusLink | undefined;
  /** Resolves at the first connection; rejects with BUS_UNAVAILABLE when the bus is closed before. */
  linked(): Promise<BusLink>;
  /** Calls back after each reconnection, until the returned function is called. */
  onReconnect(listener: () => void): () => void;
  /**
   * Connects to another server of the cluster, at most every 30 s; does nothing where there is only one. A server's copy
   * of a stream may differ from the leader's for as long as it runs, and it answers direct gets from its own copy.
   */
  changeServer(reason: string): void;
  /**
   * Ends the process after an unexpected failure of whoever consumes what the bus delivers: what it was handed does not
   * come again, and thrown into the client it would end the reading of everybody.
   */
  fail(err: unknown): void;
  /** Delivers what is buffered, then ends the connection. */
  close(): Promise<void>;
}
