import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { unlimitedUser } from './nats-server.ts';
import type { TestBus } from './test-bus.ts';

/** Stores a message with these bytes as its headers, which no client would send: NATS's protocol, spoken by hand. */
export async function storeRaw({ nats }: TestBus, subject: string, headers: string): Promise<void> {
  const { port, hostname } = new URL(nats.url);
  const socket = connect(Number(port), hostname);
  const lines = createInterface(socket)[Symbol.asyncIterator]();
  const login = { user: unlimitedUser, pass: nats.passwords[unlimitedUser], headers: true, verbose: false };
  const length = Buffer.byteLength(headers);
  socket.write(`CONNECT ${JSON.stringify(login)}\r\nSUB _INBOX.raw 1\r\n`);
  socket.write(`HPUB ${subject} _INBOX.raw ${length} ${length}\r\n${headers}\r\n`);
  for (;;) {
    const { value: line, done } = await lines.next();
    if (done === true || line.startsWith('-ERR')) throw new Error(`${subject} was not stored: ${line}`);
    if (line.startsWith('MSG _INBOX.raw')) break;
  }
  socket.destroy();
  await once(socket, 'close');
}
