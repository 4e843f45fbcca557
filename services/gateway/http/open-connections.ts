import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';

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
  /** Counts a request; false when its connection has had the closing response, and so the request its answer. */
  begin(request: IncomingMessage, response: ServerResponse): boolean;
  follow(server: Server): void;
}

/** Counts the answers due on a connection (several when requests are pipelined), and since when there is none. */
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
    socket.end(closingResponse);
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
