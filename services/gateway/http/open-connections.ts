import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';

/**
 * Ends a connection on which no answer is due. HTTP/1.1 has no way to say "do not use this one any more" on an idle
 * connection, and a client may be writing a request on it at this very moment: after a bare close it would see EOF, and
 * Go repeats no POST. So the close is preceded by the answer that makes the API server repeat the request
 * (docs/reference/kube-apiserver.md C8). A client that had sent one reads it as its answer; a client that had not finds an
 * idle connection at its end, and drops it (Go logs "Unsolicited response received on idle HTTP channel"). Its request, if
 * any, is read and thrown away: bytes left unread would turn the close into a reset, which takes the answer along.
 */
const farewell = [
  'HTTP/1.1 503 Service Unavailable',
  'Connection: close',
  'Retry-After: 1',
  'Content-Type: text/plain',
  'Content-Length: 0',
  '\r\n',
].join('\r\n');

/** The connections of a server past their handshake, and which of them wait for a request. */
export interface OpenConnections {
  /** Requests in progress. */
  busy(): number;
  count(): number;
  /** Time of the last request, ms of the clock. */
  lastRequestAtMs(): number;
  /** From now on every answer closes its connection, those not yet begun included. */
  drain(): void;
  /** Ends every connection on which nothing has happened for `idleMs`, so that no request on the way is lost. */
  endIdle(idleMs: number): void;
  /** Ends this one in the same way. */
  end(socket: Socket): void;
  /** Call it first with each request. False: the connection has had its farewell, and so the request its answer. */
  begin(request: IncomingMessage, response: ServerResponse): boolean;
  follow(server: Server): void;
}

/** A connection: answers due on it (several when requests are pipelined), and since when there is none. */
interface Connection {
  due: number;
  quietSinceMs: number;
}

/** Follows a server's connections from its `secureConnection` event on. */
export function createOpenConnections(monotonicMs: () => number): OpenConnections {
  const connections = new Map<Socket, Connection>();
  const ended = new WeakSet<Socket>();
  const answers = new Set<ServerResponse>();
  let draining = false;
  let lastRequestAtMs = monotonicMs();

  const end = (socket: Socket): void => {
    ended.add(socket);
    socket.end(farewell);
  };

  return {
    busy: () => answers.size,
    count: () => connections.size,
    lastRequestAtMs: () => lastRequestAtMs,
    follow: (server) => {
      server.on('secureConnection', (socket) => {
        connections.set(socket, { due: 0, quietSinceMs: monotonicMs() });
        socket.once('close', () => connections.delete(socket));
      });
    },
    drain: () => {
      draining = true;
      for (const answer of answers) if (!answer.headersSent) answer.setHeader('connection', 'close');
    },
    endIdle: (idleMs) => {
      for (const [socket, { due, quietSinceMs }] of connections) {
        if (due > 0 || ended.has(socket) || monotonicMs() - quietSinceMs < idleMs) continue;
        end(socket);
      }
    },
    end,
    begin: ({ socket }, response) => {
      const connection = connections.get(socket);
      if (connection === undefined || ended.has(socket)) return false;
      lastRequestAtMs = monotonicMs();
      connection.due += 1;
      answers.add(response);
      response.once('close', () => {
        answers.delete(response);
        connection.due -= 1;
        connection.quietSinceMs = monotonicMs();
      });
      if (draining) response.setHeader('connection', 'close');
      return true;
    },
  };
}
