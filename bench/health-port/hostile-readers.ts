import { connect } from 'node:net';
import process from 'node:process';

/**
 * A process of its own that does to a health port what anybody in the cluster can, until it is ended: connections that
 * send thousands of requests for metrics at once and read no answer, and such that never finish a header. One that is
 * closed is opened again. `node hostile-readers.ts <port> <connections>`; prints a line when all have been opened once.
 */
const [port = 0, count = 0] = process.argv.slice(2).map(Number);
const pipelined = 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2_000);
const unfinished = 'GET /livez HTTP/1.1\r\nHost: a\r\nX: ';

async function attack(text: string, opened: () => void): Promise<never> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.pause();
    socket.write(text);
    socket.once('connect', opened);
    // A reset is an error first, and then a close.
    await new Promise((resolve) => socket.once('close', resolve));
  }
}

let missing = count;
const opened = (): void => {
  missing -= 1;
  if (missing === 0) process.stdout.write('open\n');
};
for (let index = 0; index < count; index += 1) void attack(index % 2 === 0 ? pipelined : unfinished, opened);
