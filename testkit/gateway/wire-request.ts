import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';

/** Connects to a server on loopback, whatever its certificate. */
export async function connectTo(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

/** All that arrives until the server closes the connection. */
export async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.on('error', () => undefined);
  socket.setEncoding('latin1');
  socket.on('data', (data) => {
    text += data;
  });
  await new Promise((resolve) => socket.on('close', resolve));
  return text;
}

/** A request as it goes over the wire; headers given replace those that are right. */
export interface WireRequest {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string;
}

export function requestText({ method = 'POST', path = '/', headers = {}, body = '' }: WireRequest): string {
  const all = {
    host: 'x',
    'content-type': 'application/json',
    'content-length': `${Buffer.byteLength(body)}`,
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}
