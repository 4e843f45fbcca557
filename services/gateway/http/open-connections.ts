import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import { excessConnections } from './excess-connections.ts';

/**
 * Closes an idle connection so that the API server repeats a request on its way (docs/reference/kube-apiserver.md C8).
 * HTTP/1.1 has no way to say "do not use this connection again", and after a bare close a client that is writing a
 * request would see EOF; Go repeats no POST. A client that has sent a request reads this as its answer; any other finds
 * an idle connection at its end, and drops it (Go logs "Unsolicited response received on idle HTTP channel"). The request
 * is read and discarded: bytes left unread would turn the close into a reset, which takes the answer along.
 */
const closingResponse = [
  'HTTP/1.1 503 Service Unavailable',
  'Connection: close',
  'Retry-After: 1',
  'Content-Type: text/plain',
  'Content-Length: 0',
  '\r\n',
].join('\r\n');

/**
 * Answers that may be due on one connection. The API server waits for each before the next request. Whoever pipelines
 * thousands of them has each kept in memory until all before it are answered.
 */
const mostDue = 8;

const discard = (): void => undefined;

/** Shortest time between two looks at what waits to be read, ms: a look goes through all answers that are due. */
const lookMs = 100;

/** Ended connections that may wait for their client to close: one that never does must not stay. */
const mostEnded = 1_024;

/** Counts a server's connections past their handshake, and knows which of them are idle. */
export interface OpenConnections {
  /** Counts the requests in progress. */
  busy(): number;
  count(): number;
  /** Gives the time of the last request, ms of the clock. */
  lastRequestAtMs(): number;
  /** Lets every answer close its connection from now on, those not yet begun included. */
  drain(): void;
  /** Ends every connection that has been idle for `idleMs`, with a closing response. */
  endIdle(idleMs: number): void;
  /** Ends one connection with a closing response. */
  end(socket: Socket): void;
  /**
   * Counts a request; false when its connection has had the closing response, and so the request its answer, or when too
   * many are due on it, which closes it.
   */
  begin(request: IncomingMessage, response: ServerResponse): boolean;
  /** Ends connections whose clients do not read, the longest due first, where too much waits for them. */
  endUnread(): void;
  follow(server: Server): void;
}

/** Counts the answers due on a connection (several when requests are pipelined), and since when there is none. */
interface Connection {
  due: number;
  quietSinceMs: number;
}

export interface OpenConnectionsOptions {
  monotonicMs: () => number;
  /** Connections above which a new one ends the one that has been idle longest: an idle one must shut nobody out. */
  most: number;
  /** Bytes of answers that may wait for their clients to read them; with more, those that are due longest end. */
  mostUnreadBytes: number;
  onEvicted: (connection: 'idle' | 'unread') => void;
}

/** Follows a server's connections from its `secureConnection` event on. */
export function createOpenConnections(options: OpenConnectionsOptions): OpenConnections {
  const { monotonicMs, most, mostUnreadBytes, onEvicted } = options;
  const connections = new Map<Socket, Connection>();
  /** Those without an answer due, the longest idle first. */
  const idle = new Set<Socket>();
  const ended = new Set<Socket>();
  const answers = new Set<ServerResponse>();
  let draining = false;
  let lastRequestAtMs = monotonicMs();
  let lookedAtMs = lastRequestAtMs;

  const end = (socket: Socket): void => {
    idle.delete(socket);
    if (connections.has(socket)) ended.add(socket);
    socket.end(closingResponse);
    const [first] = ended;
    if (ended.size > mostEnded) first?.destroy();
  };
  const evictIdle = (): void => {
    const [longestIdle] = idle;
    if (longestIdle === undefined) return;
    end(longestIdle);
    onEvicted('idle');
  };
  function* unread(): Generator<[Socket, number]> {
    for (const { req, writableLength } of answers) {
      if (!req.socket.destroyed) yield [req.socket, writableLength];
    }
  }
  const endUnread = (): void => {
    const nowMs = monotonicMs();
    if (nowMs - lookedAtMs < lookMs) return;
    lookedAtMs = nowMs;
    for (const socket of excessConnections(unread(), mostUnreadBytes)) {
      socket.destroy();
      onEvicted('unread');
    }
  };
  const forget = (socket: Socket): void => {
    for (const all of [connections, idle, ended]) all.delete(socket);
  };

  return {
    busy: () => answers.size,
    count: () => connections.size,
    lastRequestAtMs: () => lastRequestAtMs,
    follow: (server) => {
      server.on('secureConnection', (socket) => {
        connections.set(socket, { due: 0, quietSinceMs: monotonicMs() });
        idle.add(socket);
        socket.once('close', () => forget(socket));
        if (connections.size - ended.size > most) evictIdle();
      });
    },
    drain: () => {
      draining = true;
      for (const answer of answers) if (!answer.headersSent) answer.setHeader('connection', 'close');
    },
    endIdle: (idleMs) => {
      for (const socket of idle) {
        const { quietSinceMs = 0 } = connections.get(socket) ?? {};
        if (monotonicMs() - quietSinceMs < idleMs) return;
        end(socket);
      }
    },
    end,
    endUnread,
    begin: ({ socket }, response) => {
      const connection = connections.get(socket);
      if (connection === undefined || ended.has(socket)) return false;
      if (connection.due >= mostDue) {
        ended.add(socket);
        // Takes the connection from the HTTP parser, which goes on with all records that TLS has, whoever is destroyed.
        socket.on('data', discard);
        socket.destroy();
        return false;
      }
      lastRequestAtMs = monotonicMs();
      connection.due += 1;
      idle.delete(socket);
      answers.add(response);
      response.once('close', () => {
        answers.delete(response);
        connection.due -= 1;
        connection.quietSinceMs = monotonicMs();
        if (connection.due === 0 && connections.has(socket) && !ended.has(socket)) idle.add(socket);
      });
      if (draining) response.setHeader('connection', 'close');
      return true;
    },
  };
}
