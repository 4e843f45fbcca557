import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { webhookPath } from '#shared/contracts/kubernetes/webhook-path.ts';
import { requestText } from '#testkit/gateway/wire-request.ts';

/** What a hostile client does with its connection. */
export const hostileKinds = [
  'no hello',
  'hello drip',
  'silent after the handshake',
  'header drip',
  'body drip',
  'half-closed',
] as const;
export type HostileKind = (typeof hostileKinds)[number];

const dripMs = 1_000;
/** The slow body of docs/hostile-input.md, 6. */
const bodyDripMs = 5_000;
/** The first bytes of a TLS record that holds a ClientHello of 512 bytes. */
const helloStart = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]);

const request = (over: object): string => requestText({ path: `${webhookPath}?timeout=5s`, ...over });

/** Writes the bytes one by one until the connection is closed. */
function drip(socket: Socket, text: string | Buffer, everyMs: number): void {
  let at = 0;
  const timer = setInterval(() => socket.write(text.slice(at, ++at)), everyMs);
  socket.once('close', () => clearInterval(timer));
}

async function connect(port: number, kind: HostileKind): Promise<Socket> {
  const address = { port, host: '127.0.0.1' };
  const isPlain = kind === 'no hello' || kind === 'hello drip';
  const socket = isPlain ? connectTcp(address) : connectTls({ ...address, rejectUnauthorized: false });
  socket.on('error', () => undefined);
  socket.resume();
  await Promise.race([once(socket, isPlain ? 'connect' : 'secureConnect'), once(socket, 'close')]);
  return socket;
}

/** Opens one; `lifetimeMs` resolves when the server has closed it, with the time from its connecting on. */
export async function openHostileSocket(
  port: number,
  kind: HostileKind,
): Promise<{ lifetimeMs: Promise<number> }> {
  const openedAtMs = performance.now();
  const socket = await connect(port, kind);
  const lifetimeMs = new Promise<number>((resolve) => {
    const end = (): void => resolve(performance.now() - openedAtMs);
    if (socket.closed) end();
    else socket.once('close', end);
  });
  if (kind === 'hello drip') drip(socket, Buffer.concat([helloStart, Buffer.alloc(512)]), dripMs);
  if (kind === 'header drip') drip(socket, request({ headers: { 'x-slow': 'x'.repeat(200) } }), dripMs);
  if (kind === 'half-closed') socket.end(request({ body: '{"apiVersion":' }).slice(0, -8));
  if (kind === 'body drip') {
    socket.write(request({ headers: { 'content-length': '1000' } }));
    drip(socket, 'x'.repeat(1_000), bodyDripMs);
  }
  return { lifetimeMs };
}
