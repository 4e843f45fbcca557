import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { FirstRequest } from './first-request.ts';

/** The two ends of a connection. */
async function aConnection(t: TestContext): Promise<{ client: Socket; served: Socket }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [served] = (await once(server, 'connection')) as [Socket];
  t.after(() => {
    client.destroy();
    served.destroy();
    server.close();
  });
  return { client, served };
}

test('the head of the first request is seen however it arrives, and nothing of what comes after it', async (t) => {
  const head = 'GET /livez HTTP/1.1\r\nHost: a\r\n\r\n';
  for (let cut = 1; cut < head.length; cut += 1) {
    const { client, served } = await aConnection(t);
    const first = new FirstRequest(served, 100);
    const seen = text(first);
    client.write(head.slice(0, cut));
    await once(first, 'readable');
    client.end(head.slice(cut) + head.repeat(3_000));
    assert.equal(await seen, head);
  }
});

test('of a head without an end as much is seen as is told', async (t) => {
  const { client, served } = await aConnection(t);
  const seen = text(new FirstRequest(served, 100));
  client.end('x'.repeat(100_000));
  assert.equal(await seen, 'x'.repeat(100));
});

test('an answer reaches a client that has sent more than was seen', async (t) => {
  const { client, served } = await aConnection(t);
  const first = new FirstRequest(served, 100);
  const answer = text(client);
  client.write('GET / HTTP/1.1\r\n\r\n'.repeat(1_000));
  await once(first, 'readable');
  first.write('the answer');
  first.destroySoon();
  assert.equal(await answer, 'the answer');
});

test('a client that goes on sending is not read for ever', async (t) => {
  const { client, served } = await aConnection(t);
  client.on('error', () => undefined);
  const first = new FirstRequest(served, 100);
  const send = (): void => {
    while (client.write('GET / HTTP/1.1\r\n\r\n'.repeat(3_000)));
  };
  client.on('drain', send);
  send();
  await once(first.resume(), 'data');
  await once(served, 'pause');
  assert.ok(served.bytesRead < 1_000_000, `${served.bytesRead} bytes`);
});

test('a connection that goes takes the stream along, and the other way round', async (t) => {
  const one = await aConnection(t);
  const first = new FirstRequest(one.served, 100);
  one.client.destroy();
  await once(first.resume(), 'close');
  const other = await aConnection(t);
  new FirstRequest(other.served, 100).destroy();
  await once(other.client, 'close');
});
